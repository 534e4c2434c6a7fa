// Written by scripts/generate-operators.ts from operators.txt and the schemas of libtorch 2.11.0. Do not edit.
import type { NativeOperator } from "../native/addon.ts";
import { bind, handleOf, handlesOf, wrap, wrapAll, wrapTuple } from "./dispatch.ts";
import { type DType, dtypeCode } from "./dtype.ts";
import type { Generator } from "./generator.ts";
import type { Tensor } from "./tensor.ts";

let add$: NativeOperator<number> | undefined;
/** `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
export function add(self: Tensor, other: Tensor, alpha?: number): Tensor {
  return wrap((add$ ??= bind<number>("aten::add", "Tensor"))(self.handle, other.handle, alpha));
}

let addScalar$: NativeOperator<number> | undefined;
/** `aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
export function addScalar(self: Tensor, other: number, alpha?: number): Tensor {
  return wrap((addScalar$ ??= bind<number>("aten::add", "Scalar"))(self.handle, other, alpha));
}

let add_$: NativeOperator<undefined> | undefined;
/** `aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
export function add_(self: Tensor, other: Tensor, alpha?: number): Tensor {
  (add_$ ??= bind<undefined>("aten::add_", "Tensor"))(self.handle, other.handle, alpha);
  return self;
}

let addScalar_$: NativeOperator<undefined> | undefined;
/** `aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
export function addScalar_(self: Tensor, other: number, alpha?: number): Tensor {
  (addScalar_$ ??= bind<undefined>("aten::add_", "Scalar"))(self.handle, other, alpha);
  return self;
}

let sub$: NativeOperator<number> | undefined;
/** `aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
export function sub(self: Tensor, other: Tensor, alpha?: number): Tensor {
  return wrap((sub$ ??= bind<number>("aten::sub", "Tensor"))(self.handle, other.handle, alpha));
}

let sub_$: NativeOperator<undefined> | undefined;
/** `aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
export function sub_(self: Tensor, other: Tensor, alpha?: number): Tensor {
  (sub_$ ??= bind<undefined>("aten::sub_", "Tensor"))(self.handle, other.handle, alpha);
  return self;
}

let subScalar$: NativeOperator<number> | undefined;
/** `aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
export function subScalar(self: Tensor, other: number, alpha?: number): Tensor {
  return wrap((subScalar$ ??= bind<number>("aten::sub", "Scalar"))(self.handle, other, alpha));
}

let rsubScalar$: NativeOperator<number> | undefined;
/** `aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
export function rsubScalar(self: Tensor, other: number, alpha?: number): Tensor {
  return wrap((rsubScalar$ ??= bind<number>("aten::rsub", "Scalar"))(self.handle, other, alpha));
}

let mul$: NativeOperator<number> | undefined;
/** `aten::mul.Tensor(Tensor self, Tensor other) -> Tensor` */
export function mul(self: Tensor, other: Tensor): Tensor {
  return wrap((mul$ ??= bind<number>("aten::mul", "Tensor"))(self.handle, other.handle));
}

let mulScalar$: NativeOperator<number> | undefined;
/** `aten::mul.Scalar(Tensor self, Scalar other) -> Tensor` */
export function mulScalar(self: Tensor, other: number): Tensor {
  return wrap((mulScalar$ ??= bind<number>("aten::mul", "Scalar"))(self.handle, other));
}

let mul_$: NativeOperator<undefined> | undefined;
/** `aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
export function mul_(self: Tensor, other: Tensor): Tensor {
  (mul_$ ??= bind<undefined>("aten::mul_", "Tensor"))(self.handle, other.handle);
  return self;
}

let mulScalar_$: NativeOperator<undefined> | undefined;
/** `aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
export function mulScalar_(self: Tensor, other: number): Tensor {
  (mulScalar_$ ??= bind<undefined>("aten::mul_", "Scalar"))(self.handle, other);
  return self;
}

let div$: NativeOperator<number> | undefined;
/** `aten::div.Tensor(Tensor self, Tensor other) -> Tensor` */
export function div(self: Tensor, other: Tensor): Tensor {
  return wrap((div$ ??= bind<number>("aten::div", "Tensor"))(self.handle, other.handle));
}

let divScalar$: NativeOperator<number> | undefined;
/** `aten::div.Scalar(Tensor self, Scalar other) -> Tensor` */
export function divScalar(self: Tensor, other: number): Tensor {
  return wrap((divScalar$ ??= bind<number>("aten::div", "Scalar"))(self.handle, other));
}

let div_$: NativeOperator<undefined> | undefined;
/** `aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
export function div_(self: Tensor, other: Tensor): Tensor {
  (div_$ ??= bind<undefined>("aten::div_", "Tensor"))(self.handle, other.handle);
  return self;
}

let divScalar_$: NativeOperator<undefined> | undefined;
/** `aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
export function divScalar_(self: Tensor, other: number): Tensor {
  (divScalar_$ ??= bind<undefined>("aten::div_", "Scalar"))(self.handle, other);
  return self;
}

let neg$: NativeOperator<number> | undefined;
/** `aten::neg(Tensor self) -> Tensor` */
export function neg(self: Tensor): Tensor {
  return wrap((neg$ ??= bind<number>("aten::neg", ""))(self.handle));
}

let abs$: NativeOperator<number> | undefined;
/** `aten::abs(Tensor self) -> Tensor` */
export function abs(self: Tensor): Tensor {
  return wrap((abs$ ??= bind<number>("aten::abs", ""))(self.handle));
}

let sqrt$: NativeOperator<number> | undefined;
/** `aten::sqrt(Tensor self) -> Tensor` */
export function sqrt(self: Tensor): Tensor {
  return wrap((sqrt$ ??= bind<number>("aten::sqrt", ""))(self.handle));
}

let rsqrt$: NativeOperator<number> | undefined;
/** `aten::rsqrt(Tensor self) -> Tensor` */
export function rsqrt(self: Tensor): Tensor {
  return wrap((rsqrt$ ??= bind<number>("aten::rsqrt", ""))(self.handle));
}

let square$: NativeOperator<number> | undefined;
/** `aten::square(Tensor self) -> Tensor` */
export function square(self: Tensor): Tensor {
  return wrap((square$ ??= bind<number>("aten::square", ""))(self.handle));
}

let pow$: NativeOperator<number> | undefined;
/** `aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor` */
export function pow(self: Tensor, exponent: number): Tensor {
  return wrap((pow$ ??= bind<number>("aten::pow", "Tensor_Scalar"))(self.handle, exponent));
}

let powTensor$: NativeOperator<number> | undefined;
/** `aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor` */
export function powTensor(self: Tensor, exponent: Tensor): Tensor {
  return wrap((powTensor$ ??= bind<number>("aten::pow", "Tensor_Tensor"))(self.handle, exponent.handle));
}

let exp$: NativeOperator<number> | undefined;
/** `aten::exp(Tensor self) -> Tensor` */
export function exp(self: Tensor): Tensor {
  return wrap((exp$ ??= bind<number>("aten::exp", ""))(self.handle));
}

let exp_$: NativeOperator<undefined> | undefined;
/** `aten::exp_(Tensor(a!) self) -> Tensor(a!)` */
export function exp_(self: Tensor): Tensor {
  (exp_$ ??= bind<undefined>("aten::exp_", ""))(self.handle);
  return self;
}

let log$: NativeOperator<number> | undefined;
/** `aten::log(Tensor self) -> Tensor` */
export function log(self: Tensor): Tensor {
  return wrap((log$ ??= bind<number>("aten::log", ""))(self.handle));
}

let sin$: NativeOperator<number> | undefined;
/** `aten::sin(Tensor self) -> Tensor` */
export function sin(self: Tensor): Tensor {
  return wrap((sin$ ??= bind<number>("aten::sin", ""))(self.handle));
}

let cos$: NativeOperator<number> | undefined;
/** `aten::cos(Tensor self) -> Tensor` */
export function cos(self: Tensor): Tensor {
  return wrap((cos$ ??= bind<number>("aten::cos", ""))(self.handle));
}

let tanh$: NativeOperator<number> | undefined;
/** `aten::tanh(Tensor self) -> Tensor` */
export function tanh(self: Tensor): Tensor {
  return wrap((tanh$ ??= bind<number>("aten::tanh", ""))(self.handle));
}

let floor$: NativeOperator<number> | undefined;
/** `aten::floor(Tensor self) -> Tensor` */
export function floor(self: Tensor): Tensor {
  return wrap((floor$ ??= bind<number>("aten::floor", ""))(self.handle));
}

let ceil$: NativeOperator<number> | undefined;
/** `aten::ceil(Tensor self) -> Tensor` */
export function ceil(self: Tensor): Tensor {
  return wrap((ceil$ ??= bind<number>("aten::ceil", ""))(self.handle));
}

let round$: NativeOperator<number> | undefined;
/** `aten::round(Tensor self) -> Tensor` */
export function round(self: Tensor): Tensor {
  return wrap((round$ ??= bind<number>("aten::round", ""))(self.handle));
}

let reciprocal$: NativeOperator<number> | undefined;
/** `aten::reciprocal(Tensor self) -> Tensor` */
export function reciprocal(self: Tensor): Tensor {
  return wrap((reciprocal$ ??= bind<number>("aten::reciprocal", ""))(self.handle));
}

let clamp$: NativeOperator<number> | undefined;
/** `aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor` */
export function clamp(self: Tensor, min?: number | null, max?: number | null): Tensor {
  return wrap((clamp$ ??= bind<number>("aten::clamp", ""))(self.handle, min, max));
}

let clampMin$: NativeOperator<number> | undefined;
/** `aten::clamp_min(Tensor self, Scalar min) -> Tensor` */
export function clampMin(self: Tensor, min: number): Tensor {
  return wrap((clampMin$ ??= bind<number>("aten::clamp_min", ""))(self.handle, min));
}

let lerp_$: NativeOperator<undefined> | undefined;
/** `aten::lerp_.Scalar(Tensor(a!) self, Tensor end, Scalar weight) -> Tensor(a!)` */
export function lerp_(self: Tensor, end: Tensor, weight: number): Tensor {
  (lerp_$ ??= bind<undefined>("aten::lerp_", "Scalar"))(self.handle, end.handle, weight);
  return self;
}

let addcmul_$: NativeOperator<undefined> | undefined;
/** `aten::addcmul_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
export function addcmul_(self: Tensor, tensor1: Tensor, tensor2: Tensor, value?: number): Tensor {
  (addcmul_$ ??= bind<undefined>("aten::addcmul_", ""))(self.handle, tensor1.handle, tensor2.handle, value);
  return self;
}

let addcdiv_$: NativeOperator<undefined> | undefined;
/** `aten::addcdiv_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
export function addcdiv_(self: Tensor, tensor1: Tensor, tensor2: Tensor, value?: number): Tensor {
  (addcdiv_$ ??= bind<undefined>("aten::addcdiv_", ""))(self.handle, tensor1.handle, tensor2.handle, value);
  return self;
}

let bitwiseAndScalar$: NativeOperator<number> | undefined;
/** `aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor` */
export function bitwiseAndScalar(self: Tensor, other: number): Tensor {
  return wrap((bitwiseAndScalar$ ??= bind<number>("aten::bitwise_and", "Scalar"))(self.handle, other));
}

let bitwiseOr$: NativeOperator<number> | undefined;
/** `aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor` */
export function bitwiseOr(self: Tensor, other: Tensor): Tensor {
  return wrap((bitwiseOr$ ??= bind<number>("aten::bitwise_or", "Tensor"))(self.handle, other.handle));
}

let leftShiftScalar$: NativeOperator<number> | undefined;
/** `aten::__lshift__.Scalar(Tensor self, Scalar other) -> Tensor` */
export function leftShiftScalar(self: Tensor, other: number): Tensor {
  return wrap((leftShiftScalar$ ??= bind<number>("aten::__lshift__", "Scalar"))(self.handle, other));
}

let rightShiftScalar$: NativeOperator<number> | undefined;
/** `aten::__rshift__.Scalar(Tensor self, Scalar other) -> Tensor` */
export function rightShiftScalar(self: Tensor, other: number): Tensor {
  return wrap((rightShiftScalar$ ??= bind<number>("aten::__rshift__", "Scalar"))(self.handle, other));
}

let eq$: NativeOperator<number> | undefined;
/** `aten::eq.Tensor(Tensor self, Tensor other) -> Tensor` */
export function eq(self: Tensor, other: Tensor): Tensor {
  return wrap((eq$ ??= bind<number>("aten::eq", "Tensor"))(self.handle, other.handle));
}

let eqScalar$: NativeOperator<number> | undefined;
/** `aten::eq.Scalar(Tensor self, Scalar other) -> Tensor` */
export function eqScalar(self: Tensor, other: number): Tensor {
  return wrap((eqScalar$ ??= bind<number>("aten::eq", "Scalar"))(self.handle, other));
}

let neScalar$: NativeOperator<number> | undefined;
/** `aten::ne.Scalar(Tensor self, Scalar other) -> Tensor` */
export function neScalar(self: Tensor, other: number): Tensor {
  return wrap((neScalar$ ??= bind<number>("aten::ne", "Scalar"))(self.handle, other));
}

let gtScalar$: NativeOperator<number> | undefined;
/** `aten::gt.Scalar(Tensor self, Scalar other) -> Tensor` */
export function gtScalar(self: Tensor, other: number): Tensor {
  return wrap((gtScalar$ ??= bind<number>("aten::gt", "Scalar"))(self.handle, other));
}

let geScalar$: NativeOperator<number> | undefined;
/** `aten::ge.Scalar(Tensor self, Scalar other) -> Tensor` */
export function geScalar(self: Tensor, other: number): Tensor {
  return wrap((geScalar$ ??= bind<number>("aten::ge", "Scalar"))(self.handle, other));
}

let ltScalar$: NativeOperator<number> | undefined;
/** `aten::lt.Scalar(Tensor self, Scalar other) -> Tensor` */
export function ltScalar(self: Tensor, other: number): Tensor {
  return wrap((ltScalar$ ??= bind<number>("aten::lt", "Scalar"))(self.handle, other));
}

let leScalar$: NativeOperator<number> | undefined;
/** `aten::le.Scalar(Tensor self, Scalar other) -> Tensor` */
export function leScalar(self: Tensor, other: number): Tensor {
  return wrap((leScalar$ ??= bind<number>("aten::le", "Scalar"))(self.handle, other));
}

let logicalNot$: NativeOperator<number> | undefined;
/** `aten::logical_not(Tensor self) -> Tensor` */
export function logicalNot(self: Tensor): Tensor {
  return wrap((logicalNot$ ??= bind<number>("aten::logical_not", ""))(self.handle));
}

let logicalAnd$: NativeOperator<number> | undefined;
/** `aten::logical_and(Tensor self, Tensor other) -> Tensor` */
export function logicalAnd(self: Tensor, other: Tensor): Tensor {
  return wrap((logicalAnd$ ??= bind<number>("aten::logical_and", ""))(self.handle, other.handle));
}

let isfinite$: NativeOperator<number> | undefined;
/** `aten::isfinite(Tensor self) -> Tensor` */
export function isfinite(self: Tensor): Tensor {
  return wrap((isfinite$ ??= bind<number>("aten::isfinite", ""))(self.handle));
}

let isnan$: NativeOperator<number> | undefined;
/** `aten::isnan(Tensor self) -> Tensor` */
export function isnan(self: Tensor): Tensor {
  return wrap((isnan$ ??= bind<number>("aten::isnan", ""))(self.handle));
}

let where$: NativeOperator<number> | undefined;
/** `aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor` */
export function where(condition: Tensor, self: Tensor, other: Tensor): Tensor {
  return wrap((where$ ??= bind<number>("aten::where", "self"))(condition.handle, self.handle, other.handle));
}

let maskedFill$: NativeOperator<number> | undefined;
/** `aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor` */
export function maskedFill(self: Tensor, mask: Tensor, value: number): Tensor {
  return wrap((maskedFill$ ??= bind<number>("aten::masked_fill", "Scalar"))(self.handle, mask.handle, value));
}

let maskedFill_$: NativeOperator<undefined> | undefined;
/** `aten::masked_fill_.Scalar(Tensor(a!) self, Tensor mask, Scalar value) -> Tensor(a!)` */
export function maskedFill_(self: Tensor, mask: Tensor, value: number): Tensor {
  (maskedFill_$ ??= bind<undefined>("aten::masked_fill_", "Scalar"))(self.handle, mask.handle, value);
  return self;
}

let equal$: NativeOperator<boolean> | undefined;
/** `aten::equal(Tensor self, Tensor other) -> bool` */
export function equal(self: Tensor, other: Tensor): boolean {
  return (equal$ ??= bind<boolean>("aten::equal", ""))(self.handle, other.handle);
}

let sum$: NativeOperator<number> | undefined;
/** `aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
export function sum(self: Tensor, dtype?: DType | null): Tensor {
  return wrap((sum$ ??= bind<number>("aten::sum", ""))(self.handle, dtypeCode(dtype)));
}

let sumDim$: NativeOperator<number> | undefined;
/** `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export function sumDim(self: Tensor, dim?: readonly number[] | number | null, keepdim?: boolean, dtype?: DType | null): Tensor {
  return wrap((sumDim$ ??= bind<number>("aten::sum", "dim_IntList"))(self.handle, dim, keepdim, dtypeCode(dtype)));
}

let mean$: NativeOperator<number> | undefined;
/** `aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
export function mean(self: Tensor, dtype?: DType | null): Tensor {
  return wrap((mean$ ??= bind<number>("aten::mean", ""))(self.handle, dtypeCode(dtype)));
}

let meanDim$: NativeOperator<number> | undefined;
/** `aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export function meanDim(self: Tensor, dim?: readonly number[] | number | null, keepdim?: boolean, dtype?: DType | null): Tensor {
  return wrap((meanDim$ ??= bind<number>("aten::mean", "dim"))(self.handle, dim, keepdim, dtypeCode(dtype)));
}

let max$: NativeOperator<number> | undefined;
/** `aten::max(Tensor self) -> Tensor` */
export function max(self: Tensor): Tensor {
  return wrap((max$ ??= bind<number>("aten::max", ""))(self.handle));
}

let maxDim$: NativeOperator<[number, number]> | undefined;
/** `aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)` */
export function maxDim(self: Tensor, dim: number, keepdim?: boolean): [Tensor, Tensor] {
  return wrapTuple((maxDim$ ??= bind<[number, number]>("aten::max", "dim"))(self.handle, dim, keepdim));
}

let min$: NativeOperator<number> | undefined;
/** `aten::min(Tensor self) -> Tensor` */
export function min(self: Tensor): Tensor {
  return wrap((min$ ??= bind<number>("aten::min", ""))(self.handle));
}

let amax$: NativeOperator<number> | undefined;
/** `aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
export function amax(self: Tensor, dim?: readonly number[] | number, keepdim?: boolean): Tensor {
  return wrap((amax$ ??= bind<number>("aten::amax", ""))(self.handle, dim, keepdim));
}

let argmax$: NativeOperator<number> | undefined;
/** `aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
export function argmax(self: Tensor, dim?: number | null, keepdim?: boolean): Tensor {
  return wrap((argmax$ ??= bind<number>("aten::argmax", ""))(self.handle, dim, keepdim));
}

let all$: NativeOperator<number> | undefined;
/** `aten::all(Tensor self) -> Tensor` */
export function all(self: Tensor): Tensor {
  return wrap((all$ ??= bind<number>("aten::all", ""))(self.handle));
}

let any$: NativeOperator<number> | undefined;
/** `aten::any(Tensor self) -> Tensor` */
export function any(self: Tensor): Tensor {
  return wrap((any$ ??= bind<number>("aten::any", ""))(self.handle));
}

let linalgVectorNorm$: NativeOperator<number> | undefined;
/** `aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export function linalgVectorNorm(self: Tensor, ord?: number, dim?: readonly number[] | number | null, keepdim?: boolean, dtype?: DType | null): Tensor {
  return wrap((linalgVectorNorm$ ??= bind<number>("aten::linalg_vector_norm", ""))(self.handle, ord, dim, keepdim, dtypeCode(dtype)));
}

let cumsum$: NativeOperator<number> | undefined;
/** `aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
export function cumsum(self: Tensor, dim: number, dtype?: DType | null): Tensor {
  return wrap((cumsum$ ??= bind<number>("aten::cumsum", ""))(self.handle, dim, dtypeCode(dtype)));
}

let logsumexp$: NativeOperator<number> | undefined;
/** `aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor` */
export function logsumexp(self: Tensor, dim: readonly number[] | number, keepdim?: boolean): Tensor {
  return wrap((logsumexp$ ??= bind<number>("aten::logsumexp", ""))(self.handle, dim, keepdim));
}

let std$: NativeOperator<number> | undefined;
/** `aten::std(Tensor self, bool unbiased=True) -> Tensor` */
export function std(self: Tensor, unbiased?: boolean): Tensor {
  return wrap((std$ ??= bind<number>("aten::std", ""))(self.handle, unbiased));
}

let reshape$: NativeOperator<number> | undefined;
/** `aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)` */
export function reshape(self: Tensor, shape: readonly number[]): Tensor {
  return wrap((reshape$ ??= bind<number>("aten::reshape", ""))(self.handle, shape));
}

let view$: NativeOperator<number> | undefined;
/** `aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)` */
export function view(self: Tensor, size: readonly number[]): Tensor {
  return wrap((view$ ??= bind<number>("aten::view", ""))(self.handle, size));
}

let viewDType$: NativeOperator<number> | undefined;
/** `aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)` */
export function viewDType(self: Tensor, dtype: DType): Tensor {
  return wrap((viewDType$ ??= bind<number>("aten::view", "dtype"))(self.handle, dtypeCode(dtype)));
}

let transpose$: NativeOperator<number> | undefined;
/** `aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)` */
export function transpose(self: Tensor, dim0: number, dim1: number): Tensor {
  return wrap((transpose$ ??= bind<number>("aten::transpose", "int"))(self.handle, dim0, dim1));
}

let permute$: NativeOperator<number> | undefined;
/** `aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)` */
export function permute(self: Tensor, dims: readonly number[]): Tensor {
  return wrap((permute$ ??= bind<number>("aten::permute", ""))(self.handle, dims));
}

let select$: NativeOperator<number> | undefined;
/** `aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)` */
export function select(self: Tensor, dim: number, index: number): Tensor {
  return wrap((select$ ??= bind<number>("aten::select", "int"))(self.handle, dim, index));
}

let narrow$: NativeOperator<number> | undefined;
/** `aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)` */
export function narrow(self: Tensor, dim: number, start: number, length: number): Tensor {
  return wrap((narrow$ ??= bind<number>("aten::narrow", ""))(self.handle, dim, start, length));
}

let slice$: NativeOperator<number> | undefined;
/** `aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)` */
export function slice(self: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number): Tensor {
  return wrap((slice$ ??= bind<number>("aten::slice", "Tensor"))(self.handle, dim, start, end, step));
}

let split$: NativeOperator<number[]> | undefined;
/** `aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]` */
export function split(self: Tensor, splitSize: number, dim?: number): Tensor[] {
  return wrapAll((split$ ??= bind<number[]>("aten::split", "Tensor"))(self.handle, splitSize, dim));
}

let splitSizes$: NativeOperator<number[]> | undefined;
/** `aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]` */
export function splitSizes(self: Tensor, splitSizes: readonly number[], dim?: number): Tensor[] {
  return wrapAll((splitSizes$ ??= bind<number[]>("aten::split_with_sizes", ""))(self.handle, splitSizes, dim));
}

let chunk$: NativeOperator<number[]> | undefined;
/** `aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]` */
export function chunk(self: Tensor, chunks: number, dim?: number): Tensor[] {
  return wrapAll((chunk$ ??= bind<number[]>("aten::chunk", ""))(self.handle, chunks, dim));
}

let cat$: NativeOperator<number> | undefined;
/** `aten::cat(Tensor[] tensors, int dim=0) -> Tensor` */
export function cat(tensors: readonly Tensor[], dim?: number): Tensor {
  return wrap((cat$ ??= bind<number>("aten::cat", ""))(handlesOf(tensors), dim));
}

let stack$: NativeOperator<number> | undefined;
/** `aten::stack(Tensor[] tensors, int dim=0) -> Tensor` */
export function stack(tensors: readonly Tensor[], dim?: number): Tensor {
  return wrap((stack$ ??= bind<number>("aten::stack", ""))(handlesOf(tensors), dim));
}

let unsqueeze$: NativeOperator<number> | undefined;
/** `aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)` */
export function unsqueeze(self: Tensor, dim: number): Tensor {
  return wrap((unsqueeze$ ??= bind<number>("aten::unsqueeze", ""))(self.handle, dim));
}

let squeeze$: NativeOperator<number> | undefined;
/** `aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)` */
export function squeeze(self: Tensor, dim: number): Tensor {
  return wrap((squeeze$ ??= bind<number>("aten::squeeze", "dim"))(self.handle, dim));
}

let expand$: NativeOperator<number> | undefined;
/** `aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)` */
export function expand(self: Tensor, size: readonly number[], implicit?: boolean): Tensor {
  return wrap((expand$ ??= bind<number>("aten::expand", ""))(self.handle, size, implicit));
}

let flatten$: NativeOperator<number> | undefined;
/** `aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)` */
export function flatten(self: Tensor, startDim?: number, endDim?: number): Tensor {
  return wrap((flatten$ ??= bind<number>("aten::flatten", "using_ints"))(self.handle, startDim, endDim));
}

let unflatten$: NativeOperator<number> | undefined;
/** `aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)` */
export function unflatten(self: Tensor, dim: number, sizes: readonly number[]): Tensor {
  return wrap((unflatten$ ??= bind<number>("aten::unflatten", "int"))(self.handle, dim, sizes));
}

let repeatInterleave$: NativeOperator<number> | undefined;
/** `aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor` */
export function repeatInterleave(self: Tensor, repeats: number, dim?: number | null, outputSize?: number | null): Tensor {
  return wrap((repeatInterleave$ ??= bind<number>("aten::repeat_interleave", "self_int"))(self.handle, repeats, dim, outputSize));
}

let contiguous$: NativeOperator<number> | undefined;
/** `aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)` */
export function contiguous(self: Tensor, memoryFormat?: number): Tensor {
  return wrap((contiguous$ ??= bind<number>("aten::contiguous", ""))(self.handle, memoryFormat));
}

let detach$: NativeOperator<number> | undefined;
/** `aten::detach(Tensor(a) self) -> Tensor(a)` */
export function detach(self: Tensor): Tensor {
  return wrap((detach$ ??= bind<number>("aten::detach", ""))(self.handle));
}

let clone$: NativeOperator<number> | undefined;
/** `aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor` */
export function clone(self: Tensor, memoryFormat?: number | null): Tensor {
  return wrap((clone$ ??= bind<number>("aten::clone", ""))(self.handle, memoryFormat));
}

let copy_$: NativeOperator<undefined> | undefined;
/** `aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)` */
export function copy_(self: Tensor, src: Tensor, nonBlocking?: boolean): Tensor {
  (copy_$ ??= bind<undefined>("aten::copy_", ""))(self.handle, src.handle, nonBlocking);
  return self;
}

let toDType$: NativeOperator<number> | undefined;
/** `aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)` */
export function toDType(self: Tensor, dtype: DType, nonBlocking?: boolean, copy?: boolean, memoryFormat?: number | null): Tensor {
  return wrap((toDType$ ??= bind<number>("aten::to", "dtype"))(self.handle, dtypeCode(dtype), nonBlocking, copy, memoryFormat));
}

let toDevice$: NativeOperator<number> | undefined;
/** `aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)` */
export function toDevice(self: Tensor, device: string, dtype: DType, nonBlocking?: boolean, copy?: boolean, memoryFormat?: number | null): Tensor {
  return wrap((toDevice$ ??= bind<number>("aten::to", "device"))(self.handle, device, dtypeCode(dtype), nonBlocking, copy, memoryFormat));
}

let flip$: NativeOperator<number> | undefined;
/** `aten::flip(Tensor self, int[] dims) -> Tensor` */
export function flip(self: Tensor, dims: readonly number[]): Tensor {
  return wrap((flip$ ??= bind<number>("aten::flip", ""))(self.handle, dims));
}

let roll$: NativeOperator<number> | undefined;
/** `aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor` */
export function roll(self: Tensor, shifts: readonly number[] | number, dims?: readonly number[] | number): Tensor {
  return wrap((roll$ ??= bind<number>("aten::roll", ""))(self.handle, shifts, dims));
}

let tril$: NativeOperator<number> | undefined;
/** `aten::tril(Tensor self, SymInt diagonal=0) -> Tensor` */
export function tril(self: Tensor, diagonal?: number): Tensor {
  return wrap((tril$ ??= bind<number>("aten::tril", ""))(self.handle, diagonal));
}

let triu$: NativeOperator<number> | undefined;
/** `aten::triu(Tensor self, SymInt diagonal=0) -> Tensor` */
export function triu(self: Tensor, diagonal?: number): Tensor {
  return wrap((triu$ ??= bind<number>("aten::triu", ""))(self.handle, diagonal));
}

let diagonal$: NativeOperator<number> | undefined;
/** `aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)` */
export function diagonal(self: Tensor, offset?: number, dim1?: number, dim2?: number): Tensor {
  return wrap((diagonal$ ??= bind<number>("aten::diagonal", ""))(self.handle, offset, dim1, dim2));
}

let diagEmbed$: NativeOperator<number> | undefined;
/** `aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor` */
export function diagEmbed(self: Tensor, offset?: number, dim1?: number, dim2?: number): Tensor {
  return wrap((diagEmbed$ ??= bind<number>("aten::diag_embed", ""))(self.handle, offset, dim1, dim2));
}

let empty$: NativeOperator<number> | undefined;
/** `aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function empty(size: readonly number[], dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: number | null): Tensor {
  return wrap((empty$ ??= bind<number>("aten::empty", "memory_format"))(size, dtypeCode(dtype), layout, device, pinMemory, memoryFormat));
}

let zeros$: NativeOperator<number> | undefined;
/** `aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function zeros(size: readonly number[], dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((zeros$ ??= bind<number>("aten::zeros", ""))(size, dtypeCode(dtype), layout, device, pinMemory));
}

let ones$: NativeOperator<number> | undefined;
/** `aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function ones(size: readonly number[], dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((ones$ ??= bind<number>("aten::ones", ""))(size, dtypeCode(dtype), layout, device, pinMemory));
}

let full$: NativeOperator<number> | undefined;
/** `aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function full(size: readonly number[], fillValue: number, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((full$ ??= bind<number>("aten::full", ""))(size, fillValue, dtypeCode(dtype), layout, device, pinMemory));
}

let arange$: NativeOperator<number> | undefined;
/** `aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function arange(start: number, end: number, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((arange$ ??= bind<number>("aten::arange", "start"))(start, end, dtypeCode(dtype), layout, device, pinMemory));
}

let linspace$: NativeOperator<number> | undefined;
/** `aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function linspace(start: number, end: number, steps: number, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((linspace$ ??= bind<number>("aten::linspace", ""))(start, end, steps, dtypeCode(dtype), layout, device, pinMemory));
}

let eye$: NativeOperator<number> | undefined;
/** `aten::eye(SymInt n, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function eye(n: number, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((eye$ ??= bind<number>("aten::eye", ""))(n, dtypeCode(dtype), layout, device, pinMemory));
}

let emptyLike$: NativeOperator<number> | undefined;
/** `aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function emptyLike(self: Tensor, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: number | null): Tensor {
  return wrap((emptyLike$ ??= bind<number>("aten::empty_like", ""))(self.handle, dtypeCode(dtype), layout, device, pinMemory, memoryFormat));
}

let zerosLike$: NativeOperator<number> | undefined;
/** `aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function zerosLike(self: Tensor, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: number | null): Tensor {
  return wrap((zerosLike$ ??= bind<number>("aten::zeros_like", ""))(self.handle, dtypeCode(dtype), layout, device, pinMemory, memoryFormat));
}

let onesLike$: NativeOperator<number> | undefined;
/** `aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function onesLike(self: Tensor, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null, memoryFormat?: number | null): Tensor {
  return wrap((onesLike$ ??= bind<number>("aten::ones_like", ""))(self.handle, dtypeCode(dtype), layout, device, pinMemory, memoryFormat));
}

let zero_$: NativeOperator<undefined> | undefined;
/** `aten::zero_(Tensor(a!) self) -> Tensor(a!)` */
export function zero_(self: Tensor): Tensor {
  (zero_$ ??= bind<undefined>("aten::zero_", ""))(self.handle);
  return self;
}

let fill_$: NativeOperator<undefined> | undefined;
/** `aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)` */
export function fill_(self: Tensor, value: number): Tensor {
  (fill_$ ??= bind<undefined>("aten::fill_", "Scalar"))(self.handle, value);
  return self;
}

let randn$: NativeOperator<number> | undefined;
/** `aten::randn.generator(SymInt[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function randn(size: readonly number[], generator?: Generator | null, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((randn$ ??= bind<number>("aten::randn", "generator"))(size, handleOf(generator), dtypeCode(dtype), layout, device, pinMemory));
}

let rand$: NativeOperator<number> | undefined;
/** `aten::rand.generator(SymInt[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function rand(size: readonly number[], generator?: Generator | null, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((rand$ ??= bind<number>("aten::rand", "generator"))(size, handleOf(generator), dtypeCode(dtype), layout, device, pinMemory));
}

let randperm$: NativeOperator<number> | undefined;
/** `aten::randperm.generator(SymInt n, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function randperm(n: number, generator?: Generator | null, dtype?: DType | null, layout?: number | null, device?: string | null, pinMemory?: boolean | null): Tensor {
  return wrap((randperm$ ??= bind<number>("aten::randperm", "generator"))(n, handleOf(generator), dtypeCode(dtype), layout, device, pinMemory));
}

let normal_$: NativeOperator<undefined> | undefined;
/** `aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)` */
export function normal_(self: Tensor, mean?: number, std?: number, generator?: Generator | null): Tensor {
  (normal_$ ??= bind<undefined>("aten::normal_", ""))(self.handle, mean, std, handleOf(generator));
  return self;
}

let uniform_$: NativeOperator<undefined> | undefined;
/** `aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)` */
export function uniform_(self: Tensor, from?: number, to?: number, generator?: Generator | null): Tensor {
  (uniform_$ ??= bind<undefined>("aten::uniform_", ""))(self.handle, from, to, handleOf(generator));
  return self;
}

let bernoulli_$: NativeOperator<undefined> | undefined;
/** `aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor(a!)` */
export function bernoulli_(self: Tensor, p?: number, generator?: Generator | null): Tensor {
  (bernoulli_$ ??= bind<undefined>("aten::bernoulli_", "float"))(self.handle, p, handleOf(generator));
  return self;
}

let multinomial$: NativeOperator<number> | undefined;
/** `aten::multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor` */
export function multinomial(self: Tensor, numSamples: number, replacement?: boolean, generator?: Generator | null): Tensor {
  return wrap((multinomial$ ??= bind<number>("aten::multinomial", ""))(self.handle, numSamples, replacement, handleOf(generator)));
}

let indexSelect$: NativeOperator<number> | undefined;
/** `aten::index_select(Tensor self, int dim, Tensor index) -> Tensor` */
export function indexSelect(self: Tensor, dim: number, index: Tensor): Tensor {
  return wrap((indexSelect$ ??= bind<number>("aten::index_select", ""))(self.handle, dim, index.handle));
}

let gather$: NativeOperator<number> | undefined;
/** `aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor` */
export function gather(self: Tensor, dim: number, index: Tensor, sparseGrad?: boolean): Tensor {
  return wrap((gather$ ??= bind<number>("aten::gather", ""))(self.handle, dim, index.handle, sparseGrad));
}

let scatter_$: NativeOperator<undefined> | undefined;
/** `aten::scatter_.src(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)` */
export function scatter_(self: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  (scatter_$ ??= bind<undefined>("aten::scatter_", "src"))(self.handle, dim, index.handle, src.handle);
  return self;
}

let scatterAdd_$: NativeOperator<undefined> | undefined;
/** `aten::scatter_add_(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)` */
export function scatterAdd_(self: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  (scatterAdd_$ ??= bind<undefined>("aten::scatter_add_", ""))(self.handle, dim, index.handle, src.handle);
  return self;
}

let indexAdd_$: NativeOperator<undefined> | undefined;
/** `aten::index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor(a!)` */
export function indexAdd_(self: Tensor, dim: number, index: Tensor, source: Tensor, alpha?: number): Tensor {
  (indexAdd_$ ??= bind<undefined>("aten::index_add_", ""))(self.handle, dim, index.handle, source.handle, alpha);
  return self;
}

let indexCopy_$: NativeOperator<undefined> | undefined;
/** `aten::index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source) -> Tensor(a!)` */
export function indexCopy_(self: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  (indexCopy_$ ??= bind<undefined>("aten::index_copy_", ""))(self.handle, dim, index.handle, source.handle);
  return self;
}

let embedding$: NativeOperator<number> | undefined;
/** `aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor` */
export function embedding(weight: Tensor, indices: Tensor, paddingIdx?: number, scaleGradByFreq?: boolean, sparse?: boolean): Tensor {
  return wrap((embedding$ ??= bind<number>("aten::embedding", ""))(weight.handle, indices.handle, paddingIdx, scaleGradByFreq, sparse));
}

let nonzero$: NativeOperator<number> | undefined;
/** `aten::nonzero(Tensor self) -> Tensor` */
export function nonzero(self: Tensor): Tensor {
  return wrap((nonzero$ ??= bind<number>("aten::nonzero", ""))(self.handle));
}

let topk$: NativeOperator<[number, number]> | undefined;
/** `aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)` */
export function topk(self: Tensor, k: number, dim?: number, largest?: boolean, sorted?: boolean): [Tensor, Tensor] {
  return wrapTuple((topk$ ??= bind<[number, number]>("aten::topk", ""))(self.handle, k, dim, largest, sorted));
}

let sort$: NativeOperator<[number, number]> | undefined;
/** `aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)` */
export function sort(self: Tensor, dim?: number, descending?: boolean): [Tensor, Tensor] {
  return wrapTuple((sort$ ??= bind<[number, number]>("aten::sort", ""))(self.handle, dim, descending));
}

let searchsorted$: NativeOperator<number> | undefined;
/** `aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor` */
export function searchsorted(sortedSequence: Tensor, self: Tensor, outInt32?: boolean, right?: boolean, side?: string | null, sorter?: Tensor | null): Tensor {
  return wrap((searchsorted$ ??= bind<number>("aten::searchsorted", "Tensor"))(sortedSequence.handle, self.handle, outInt32, right, side, handleOf(sorter)));
}

let bucketize$: NativeOperator<number> | undefined;
/** `aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor` */
export function bucketize(self: Tensor, boundaries: Tensor, outInt32?: boolean, right?: boolean): Tensor {
  return wrap((bucketize$ ??= bind<number>("aten::bucketize", "Tensor"))(self.handle, boundaries.handle, outInt32, right));
}

let mm$: NativeOperator<number> | undefined;
/** `aten::mm(Tensor self, Tensor mat2) -> Tensor` */
export function mm(self: Tensor, mat2: Tensor): Tensor {
  return wrap((mm$ ??= bind<number>("aten::mm", ""))(self.handle, mat2.handle));
}

let bmm$: NativeOperator<number> | undefined;
/** `aten::bmm(Tensor self, Tensor mat2) -> Tensor` */
export function bmm(self: Tensor, mat2: Tensor): Tensor {
  return wrap((bmm$ ??= bind<number>("aten::bmm", ""))(self.handle, mat2.handle));
}

let matmul$: NativeOperator<number> | undefined;
/** `aten::matmul(Tensor self, Tensor other) -> Tensor` */
export function matmul(self: Tensor, other: Tensor): Tensor {
  return wrap((matmul$ ??= bind<number>("aten::matmul", ""))(self.handle, other.handle));
}

let addmm$: NativeOperator<number> | undefined;
/** `aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
export function addmm(self: Tensor, mat1: Tensor, mat2: Tensor, beta?: number, alpha?: number): Tensor {
  return wrap((addmm$ ??= bind<number>("aten::addmm", ""))(self.handle, mat1.handle, mat2.handle, beta, alpha));
}

let addmm_$: NativeOperator<undefined> | undefined;
/** `aten::addmm_(Tensor(a!) self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)` */
export function addmm_(self: Tensor, mat1: Tensor, mat2: Tensor, beta?: number, alpha?: number): Tensor {
  (addmm_$ ??= bind<undefined>("aten::addmm_", ""))(self.handle, mat1.handle, mat2.handle, beta, alpha);
  return self;
}

let baddbmm_$: NativeOperator<undefined> | undefined;
/** `aten::baddbmm_(Tensor(a!) self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)` */
export function baddbmm_(self: Tensor, batch1: Tensor, batch2: Tensor, beta?: number, alpha?: number): Tensor {
  (baddbmm_$ ??= bind<undefined>("aten::baddbmm_", ""))(self.handle, batch1.handle, batch2.handle, beta, alpha);
  return self;
}

let linear$: NativeOperator<number> | undefined;
/** `aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor` */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return wrap((linear$ ??= bind<number>("aten::linear", ""))(input.handle, weight.handle, handleOf(bias)));
}

let linalgSvd$: NativeOperator<[number, number, number]> | undefined;
/** `aten::linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)` */
export function linalgSvd(A: Tensor, fullMatrices?: boolean, driver?: string | null): [Tensor, Tensor, Tensor] {
  return wrapTuple((linalgSvd$ ??= bind<[number, number, number]>("aten::linalg_svd", ""))(A.handle, fullMatrices, driver));
}

let linalgQr$: NativeOperator<[number, number]> | undefined;
/** `aten::linalg_qr(Tensor A, str mode="reduced") -> (Tensor Q, Tensor R)` */
export function linalgQr(A: Tensor, mode?: string): [Tensor, Tensor] {
  return wrapTuple((linalgQr$ ??= bind<[number, number]>("aten::linalg_qr", ""))(A.handle, mode));
}

let linalgEigh$: NativeOperator<[number, number]> | undefined;
/** `aten::linalg_eigh(Tensor self, str UPLO="L") -> (Tensor eigenvalues, Tensor eigenvectors)` */
export function linalgEigh(self: Tensor, UPLO?: string): [Tensor, Tensor] {
  return wrapTuple((linalgEigh$ ??= bind<[number, number]>("aten::linalg_eigh", ""))(self.handle, UPLO));
}

let linalgSvdvals$: NativeOperator<number> | undefined;
/** `aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor` */
export function linalgSvdvals(A: Tensor, driver?: string | null): Tensor {
  return wrap((linalgSvdvals$ ??= bind<number>("aten::linalg_svdvals", ""))(A.handle, driver));
}

let linalgPinv$: NativeOperator<number> | undefined;
/** `aten::linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor` */
export function linalgPinv(self: Tensor, rcond: number, hermitian?: boolean): Tensor {
  return wrap((linalgPinv$ ??= bind<number>("aten::linalg_pinv", ""))(self.handle, rcond, hermitian));
}

let ifft2$: NativeOperator<number> | undefined;
/** `aten::fft_ifft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor` */
export function ifft2(self: Tensor, s?: readonly number[] | number | null, dim?: readonly number[] | number, norm?: string | null): Tensor {
  return wrap((ifft2$ ??= bind<number>("aten::fft_ifft2", ""))(self.handle, s, dim, norm));
}

let real$: NativeOperator<number> | undefined;
/** `aten::real(Tensor(a) self) -> Tensor(a)` */
export function real(self: Tensor): Tensor {
  return wrap((real$ ??= bind<number>("aten::real", ""))(self.handle));
}

let silu$: NativeOperator<number> | undefined;
/** `aten::silu(Tensor self) -> Tensor` */
export function silu(self: Tensor): Tensor {
  return wrap((silu$ ??= bind<number>("aten::silu", ""))(self.handle));
}

let gelu$: NativeOperator<number> | undefined;
/** `aten::gelu(Tensor self, *, str approximate="none") -> Tensor` */
export function gelu(self: Tensor, approximate?: string): Tensor {
  return wrap((gelu$ ??= bind<number>("aten::gelu", ""))(self.handle, approximate));
}

let relu$: NativeOperator<number> | undefined;
/** `aten::relu(Tensor self) -> Tensor` */
export function relu(self: Tensor): Tensor {
  return wrap((relu$ ??= bind<number>("aten::relu", ""))(self.handle));
}

let sigmoid$: NativeOperator<number> | undefined;
/** `aten::sigmoid(Tensor self) -> Tensor` */
export function sigmoid(self: Tensor): Tensor {
  return wrap((sigmoid$ ??= bind<number>("aten::sigmoid", ""))(self.handle));
}

let softmax$: NativeOperator<number> | undefined;
/** `aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export function softmax(self: Tensor, dim: number, dtype?: DType | null): Tensor {
  return wrap((softmax$ ??= bind<number>("aten::softmax", "int"))(self.handle, dim, dtypeCode(dtype)));
}

let logSoftmax$: NativeOperator<number> | undefined;
/** `aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export function logSoftmax(self: Tensor, dim: number, dtype?: DType | null): Tensor {
  return wrap((logSoftmax$ ??= bind<number>("aten::log_softmax", "int"))(self.handle, dim, dtypeCode(dtype)));
}

let rmsNorm$: NativeOperator<number> | undefined;
/** `aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor` */
export function rmsNorm(input: Tensor, normalizedShape: readonly number[], weight?: Tensor | null, eps?: number | null): Tensor {
  return wrap((rmsNorm$ ??= bind<number>("aten::rms_norm", ""))(input.handle, normalizedShape, handleOf(weight), eps));
}

let layerNorm$: NativeOperator<number> | undefined;
/** `aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor` */
export function layerNorm(input: Tensor, normalizedShape: readonly number[], weight?: Tensor | null, bias?: Tensor | null, eps?: number, cudnnEnable?: boolean): Tensor {
  return wrap((layerNorm$ ??= bind<number>("aten::layer_norm", ""))(input.handle, normalizedShape, handleOf(weight), handleOf(bias), eps, cudnnEnable));
}

let conv1d$: NativeOperator<number> | undefined;
/** `aten::conv1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], SymInt[1] padding=[0], SymInt[1] dilation=[1], SymInt groups=1) -> Tensor` */
export function conv1d(input: Tensor, weight: Tensor, bias?: Tensor | null, stride?: readonly number[] | number, padding?: readonly number[] | number, dilation?: readonly number[] | number, groups?: number): Tensor {
  return wrap((conv1d$ ??= bind<number>("aten::conv1d", ""))(input.handle, weight.handle, handleOf(bias), stride, padding, dilation, groups));
}

let nllLoss$: NativeOperator<number> | undefined;
/** `aten::nll_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt ignore_index=-100) -> Tensor` */
export function nllLoss(self: Tensor, target: Tensor, weight?: Tensor | null, reduction?: number, ignoreIndex?: number): Tensor {
  return wrap((nllLoss$ ??= bind<number>("aten::nll_loss", ""))(self.handle, target.handle, handleOf(weight), reduction, ignoreIndex));
}

let scaledDotProductAttention$: NativeOperator<number> | undefined;
/** `aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor` */
export function scaledDotProductAttention(query: Tensor, key: Tensor, value: Tensor, attnMask?: Tensor | null, dropoutP?: number, isCausal?: boolean, scale?: number | null, enableGqa?: boolean): Tensor {
  return wrap((scaledDotProductAttention$ ??= bind<number>("aten::scaled_dot_product_attention", ""))(query.handle, key.handle, value.handle, handleOf(attnMask), dropoutP, isCausal, scale, enableGqa));
}

let fusedAdamw_$: NativeOperator<undefined> | undefined;
/** `aten::_fused_adamw_(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] exp_avgs, Tensor(d!)[] exp_avg_sqs, Tensor(e!)[] max_exp_avg_sqs, Tensor[] state_steps, *, float lr, float beta1, float beta2, float weight_decay, float eps, bool amsgrad, bool maximize, Tensor? grad_scale=None, Tensor? found_inf=None) -> ()` */
export function fusedAdamw_(self: readonly Tensor[], grads: readonly Tensor[], expAvgs: readonly Tensor[], expAvgSqs: readonly Tensor[], maxExpAvgSqs: readonly Tensor[], stateSteps: readonly Tensor[], lr: number, beta1: number, beta2: number, weightDecay: number, eps: number, amsgrad: boolean, maximize: boolean, gradScale?: Tensor | null, foundInf?: Tensor | null): void {
  (fusedAdamw_$ ??= bind<undefined>("aten::_fused_adamw_", ""))(handlesOf(self), handlesOf(grads), handlesOf(expAvgs), handlesOf(expAvgSqs), handlesOf(maxExpAvgSqs), handlesOf(stateSteps), lr, beta1, beta2, weightDecay, eps, amsgrad, maximize, handleOf(gradScale), handleOf(foundInf));
}

let fusedSgd_$: NativeOperator<undefined> | undefined;
/** `aten::_fused_sgd_(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] momentum_buffer_list, *, float weight_decay, float momentum, float lr, float dampening, bool nesterov, bool maximize, bool is_first_step, Tensor? grad_scale=None, Tensor? found_inf=None) -> ()` */
export function fusedSgd_(self: readonly Tensor[], grads: readonly Tensor[], momentumBufferList: readonly Tensor[], weightDecay: number, momentum: number, lr: number, dampening: number, nesterov: boolean, maximize: boolean, isFirstStep: boolean, gradScale?: Tensor | null, foundInf?: Tensor | null): void {
  (fusedSgd_$ ??= bind<undefined>("aten::_fused_sgd_", ""))(handlesOf(self), handlesOf(grads), handlesOf(momentumBufferList), weightDecay, momentum, lr, dampening, nesterov, maximize, isFirstStep, handleOf(gradScale), handleOf(foundInf));
}

let foreachMul_$: NativeOperator<undefined> | undefined;
/** `aten::_foreach_mul_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export function foreachMul_(self: readonly Tensor[], scalar: number): void {
  (foreachMul_$ ??= bind<undefined>("aten::_foreach_mul_", "Scalar"))(handlesOf(self), scalar);
}

let foreachMulTensor_$: NativeOperator<undefined> | undefined;
/** `aten::_foreach_mul_.Tensor(Tensor(a!)[] self, Tensor other) -> ()` */
export function foreachMulTensor_(self: readonly Tensor[], other: Tensor): void {
  (foreachMulTensor_$ ??= bind<undefined>("aten::_foreach_mul_", "Tensor"))(handlesOf(self), other.handle);
}

let foreachAdd_$: NativeOperator<undefined> | undefined;
/** `aten::_foreach_add_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()` */
export function foreachAdd_(self: readonly Tensor[], other: readonly Tensor[], alpha?: number): void {
  (foreachAdd_$ ??= bind<undefined>("aten::_foreach_add_", "List"))(handlesOf(self), handlesOf(other), alpha);
}

let foreachAddScalar_$: NativeOperator<undefined> | undefined;
/** `aten::_foreach_add_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export function foreachAddScalar_(self: readonly Tensor[], scalar: number): void {
  (foreachAddScalar_$ ??= bind<undefined>("aten::_foreach_add_", "Scalar"))(handlesOf(self), scalar);
}

let foreachZero_$: NativeOperator<undefined> | undefined;
/** `aten::_foreach_zero_(Tensor(a!)[] self) -> ()` */
export function foreachZero_(self: readonly Tensor[]): void {
  (foreachZero_$ ??= bind<undefined>("aten::_foreach_zero_", ""))(handlesOf(self));
}

let foreachNorm$: NativeOperator<number[]> | undefined;
/** `aten::_foreach_norm.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) -> Tensor[]` */
export function foreachNorm(self: readonly Tensor[], ord?: number, dtype?: DType | null): Tensor[] {
  return wrapAll((foreachNorm$ ??= bind<number[]>("aten::_foreach_norm", "Scalar"))(handlesOf(self), ord, dtypeCode(dtype)));
}

let fastLinear$: NativeOperator<number> | undefined;
/** `scalora::linear(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor` */
export function fastLinear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return wrap((fastLinear$ ??= bind<number>("scalora::linear", ""))(x.handle, weight.handle, handleOf(bias)));
}

let loraLinear$: NativeOperator<number> | undefined;
/** `scalora::lora_linear(Tensor x, Tensor weight, Tensor? bias, Tensor A, Tensor B, float scale, Tensor? P=None, Tensor? Q=None) -> Tensor` */
export function loraLinear(x: Tensor, weight: Tensor, bias: Tensor | null | undefined, A: Tensor, B: Tensor, scale: number, P?: Tensor | null, Q?: Tensor | null): Tensor {
  return wrap((loraLinear$ ??= bind<number>("scalora::lora_linear", ""))(x.handle, weight.handle, handleOf(bias), A.handle, B.handle, scale, handleOf(P), handleOf(Q)));
}

let nf4Linear$: NativeOperator<number> | undefined;
/** `scalora::nf4_linear(Tensor x, Tensor[] parts, int rows, int columns, Tensor? bias=None) -> Tensor` */
export function nf4Linear(x: Tensor, parts: readonly Tensor[], rows: number, columns: number, bias?: Tensor | null): Tensor {
  return wrap((nf4Linear$ ??= bind<number>("scalora::nf4_linear", ""))(x.handle, handlesOf(parts), rows, columns, handleOf(bias)));
}

let nf4LoraLinear$: NativeOperator<number> | undefined;
/** `scalora::nf4_lora_linear(Tensor x, Tensor[] parts, int rows, int columns, Tensor? bias, Tensor A, Tensor B, float scale, Tensor? P=None, Tensor? Q=None) -> Tensor` */
export function nf4LoraLinear(x: Tensor, parts: readonly Tensor[], rows: number, columns: number, bias: Tensor | null | undefined, A: Tensor, B: Tensor, scale: number, P?: Tensor | null, Q?: Tensor | null): Tensor {
  return wrap((nf4LoraLinear$ ??= bind<number>("scalora::nf4_lora_linear", ""))(x.handle, handlesOf(parts), rows, columns, handleOf(bias), A.handle, B.handle, scale, handleOf(P), handleOf(Q)));
}

let nf4Dequantize$: NativeOperator<number> | undefined;
/** `scalora::nf4_dequantize(Tensor[] parts, int rows, int columns, ScalarType dtype) -> Tensor` */
export function nf4Dequantize(parts: readonly Tensor[], rows: number, columns: number, dtype: DType): Tensor {
  return wrap((nf4Dequantize$ ??= bind<number>("scalora::nf4_dequantize", ""))(handlesOf(parts), rows, columns, dtypeCode(dtype)));
}

let causalAttention$: NativeOperator<number> | undefined;
/** `scalora::causal_attention(Tensor queries, Tensor keys, Tensor values, int[] offsets, float scale, int? window=None, float? soft_cap=None) -> Tensor` */
export function causalAttention(queries: Tensor, keys: Tensor, values: Tensor, offsets: readonly number[], scale: number, window?: number | null, softCap?: number | null): Tensor {
  return wrap((causalAttention$ ??= bind<number>("scalora::causal_attention", ""))(queries.handle, keys.handle, values.handle, offsets, scale, window, softCap));
}

let decodeAttention$: NativeOperator<number> | undefined;
/** `scalora::decode_attention(Tensor queries, Tensor keys, Tensor values, Tensor(a!)[] key_caches, Tensor(b!)[] value_caches, int[] lengths, float scale) -> Tensor` */
export function decodeAttention(queries: Tensor, keys: Tensor, values: Tensor, keyCaches: readonly Tensor[], valueCaches: readonly Tensor[], lengths: readonly number[], scale: number): Tensor {
  return wrap((decodeAttention$ ??= bind<number>("scalora::decode_attention", ""))(queries.handle, keys.handle, values.handle, handlesOf(keyCaches), handlesOf(valueCaches), lengths, scale));
}

let fusedRmsNorm$: NativeOperator<number> | undefined;
/** `scalora::rms_norm(Tensor x, Tensor weight, float epsilon, bool from_one=False) -> Tensor` */
export function fusedRmsNorm(x: Tensor, weight: Tensor, epsilon: number, fromOne?: boolean): Tensor {
  return wrap((fusedRmsNorm$ ??= bind<number>("scalora::rms_norm", ""))(x.handle, weight.handle, epsilon, fromOne));
}

let fusedRotate$: NativeOperator<number> | undefined;
/** `scalora::rotate(Tensor x, Tensor cosines, Tensor sines) -> Tensor` */
export function fusedRotate(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  return wrap((fusedRotate$ ??= bind<number>("scalora::rotate", ""))(x.handle, cosines.handle, sines.handle));
}

let linearCrossEntropy$: NativeOperator<number> | undefined;
/** `scalora::linear_cross_entropy(Tensor hidden, Tensor weight, Tensor targets, float? soft_cap=None) -> Tensor` */
export function linearCrossEntropy(hidden: Tensor, weight: Tensor, targets: Tensor, softCap?: number | null): Tensor {
  return wrap((linearCrossEntropy$ ??= bind<number>("scalora::linear_cross_entropy", ""))(hidden.handle, weight.handle, targets.handle, softCap));
}
