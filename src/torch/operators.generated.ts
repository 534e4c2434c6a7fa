// Written by scripts/generate-operators.ts from operators.txt and the schemas of libtorch 2.11.0. Do not edit.
import type { NativeOperator } from "../native/addon.ts";
import { bind, handleOf, handlesOf, wrap, wrapAll, wrapTuple } from "./dispatch.ts";
import { type DType, dtypeCode } from "./dtype.ts";
import type { Generator } from "./generator.ts";
import type { Tensor } from "./tensor.ts";

let add$: NativeOperator<number> | undefined;
/**
 * `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`
 * @param options unless given: `alpha` 1
 */
export function add(
  self: Tensor,
  other: Tensor,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  return wrap((add$ ??= bind<number>("aten::add", "Tensor"))(self.handle, other.handle, options?.alpha));
}

let addScalar$: NativeOperator<number> | undefined;
/**
 * `aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor`
 * @param options unless given: `alpha` 1
 */
export function addScalar(
  self: Tensor,
  other: number,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  return wrap((addScalar$ ??= bind<number>("aten::add", "Scalar"))(self.handle, other, options?.alpha));
}

let add_$: NativeOperator<undefined> | undefined;
/**
 * `aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)`
 * @param options unless given: `alpha` 1
 */
export function add_(
  self: Tensor,
  other: Tensor,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  (add_$ ??= bind<undefined>("aten::add_", "Tensor"))(self.handle, other.handle, options?.alpha);
  return self;
}

let addScalar_$: NativeOperator<undefined> | undefined;
/**
 * `aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)`
 * @param options unless given: `alpha` 1
 */
export function addScalar_(
  self: Tensor,
  other: number,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  (addScalar_$ ??= bind<undefined>("aten::add_", "Scalar"))(self.handle, other, options?.alpha);
  return self;
}

let sub$: NativeOperator<number> | undefined;
/**
 * `aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`
 * @param options unless given: `alpha` 1
 */
export function sub(
  self: Tensor,
  other: Tensor,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  return wrap((sub$ ??= bind<number>("aten::sub", "Tensor"))(self.handle, other.handle, options?.alpha));
}

let sub_$: NativeOperator<undefined> | undefined;
/**
 * `aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)`
 * @param options unless given: `alpha` 1
 */
export function sub_(
  self: Tensor,
  other: Tensor,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  (sub_$ ??= bind<undefined>("aten::sub_", "Tensor"))(self.handle, other.handle, options?.alpha);
  return self;
}

let subScalar$: NativeOperator<number> | undefined;
/**
 * `aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor`
 * @param options unless given: `alpha` 1
 */
export function subScalar(
  self: Tensor,
  other: number,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  return wrap((subScalar$ ??= bind<number>("aten::sub", "Scalar"))(self.handle, other, options?.alpha));
}

let rsubScalar$: NativeOperator<number> | undefined;
/**
 * `aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor`
 * @param options unless given: `alpha` 1
 */
export function rsubScalar(
  self: Tensor,
  other: number,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  return wrap((rsubScalar$ ??= bind<number>("aten::rsub", "Scalar"))(self.handle, other, options?.alpha));
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
/**
 * `aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor`
 * @param options unless given: `min` none, `max` none
 */
export function clamp(
  self: Tensor,
  options?: {
    readonly min?: number | null | undefined;
    readonly max?: number | null | undefined;
  },
): Tensor {
  return wrap((clamp$ ??= bind<number>("aten::clamp", ""))(self.handle, options?.min, options?.max));
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
/**
 * `aten::addcmul_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)`
 * @param options unless given: `value` 1
 */
export function addcmul_(
  self: Tensor,
  tensor1: Tensor,
  tensor2: Tensor,
  options?: {
    readonly value?: number | undefined;
  },
): Tensor {
  (addcmul_$ ??= bind<undefined>("aten::addcmul_", ""))(self.handle, tensor1.handle, tensor2.handle, options?.value);
  return self;
}

let addcdiv_$: NativeOperator<undefined> | undefined;
/**
 * `aten::addcdiv_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)`
 * @param options unless given: `value` 1
 */
export function addcdiv_(
  self: Tensor,
  tensor1: Tensor,
  tensor2: Tensor,
  options?: {
    readonly value?: number | undefined;
  },
): Tensor {
  (addcdiv_$ ??= bind<undefined>("aten::addcdiv_", ""))(self.handle, tensor1.handle, tensor2.handle, options?.value);
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
/**
 * `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor`
 * @param options unless given: `dim` none, `keepdim` false, `dtype` none
 */
export function sum(
  self: Tensor,
  options?: {
    readonly dim?: readonly number[] | number | null | undefined;
    readonly keepdim?: boolean | undefined;
    readonly dtype?: DType | null | undefined;
  },
): Tensor {
  return wrap((sum$ ??= bind<number>("aten::sum", "dim_IntList"))(self.handle, options?.dim, options?.keepdim, dtypeCode(options?.dtype)));
}

let mean$: NativeOperator<number> | undefined;
/**
 * `aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor`
 * @param options unless given: `dim` none, `keepdim` false, `dtype` none
 */
export function mean(
  self: Tensor,
  options?: {
    readonly dim?: readonly number[] | number | null | undefined;
    readonly keepdim?: boolean | undefined;
    readonly dtype?: DType | null | undefined;
  },
): Tensor {
  return wrap((mean$ ??= bind<number>("aten::mean", "dim"))(self.handle, options?.dim, options?.keepdim, dtypeCode(options?.dtype)));
}

let max$: NativeOperator<number> | undefined;
/** `aten::max(Tensor self) -> Tensor` */
export function max(self: Tensor): Tensor {
  return wrap((max$ ??= bind<number>("aten::max", ""))(self.handle));
}

let maxDim$: NativeOperator<[number, number]> | undefined;
/**
 * `aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)`
 * @param options unless given: `keepdim` false
 */
export function maxDim(
  self: Tensor,
  dim: number,
  options?: {
    readonly keepdim?: boolean | undefined;
  },
): [Tensor, Tensor] {
  return wrapTuple((maxDim$ ??= bind<[number, number]>("aten::max", "dim"))(self.handle, dim, options?.keepdim));
}

let min$: NativeOperator<number> | undefined;
/** `aten::min(Tensor self) -> Tensor` */
export function min(self: Tensor): Tensor {
  return wrap((min$ ??= bind<number>("aten::min", ""))(self.handle));
}

let amax$: NativeOperator<number> | undefined;
/**
 * `aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor`
 * @param options unless given: `dim` [], `keepdim` false
 */
export function amax(
  self: Tensor,
  options?: {
    readonly dim?: readonly number[] | number | undefined;
    readonly keepdim?: boolean | undefined;
  },
): Tensor {
  return wrap((amax$ ??= bind<number>("aten::amax", ""))(self.handle, options?.dim, options?.keepdim));
}

let argmax$: NativeOperator<number> | undefined;
/**
 * `aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor`
 * @param options unless given: `dim` none, `keepdim` false
 */
export function argmax(
  self: Tensor,
  options?: {
    readonly dim?: number | null | undefined;
    readonly keepdim?: boolean | undefined;
  },
): Tensor {
  return wrap((argmax$ ??= bind<number>("aten::argmax", ""))(self.handle, options?.dim, options?.keepdim));
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
/**
 * `aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor`
 * @param options unless given: `ord` 2, `dim` none, `keepdim` false, `dtype` none
 */
export function linalgVectorNorm(
  self: Tensor,
  options?: {
    readonly ord?: number | undefined;
    readonly dim?: readonly number[] | number | null | undefined;
    readonly keepdim?: boolean | undefined;
    readonly dtype?: DType | null | undefined;
  },
): Tensor {
  return wrap((linalgVectorNorm$ ??= bind<number>("aten::linalg_vector_norm", ""))(self.handle, options?.ord, options?.dim, options?.keepdim, dtypeCode(options?.dtype)));
}

let cumsum$: NativeOperator<number> | undefined;
/**
 * `aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor`
 * @param options unless given: `dtype` none
 */
export function cumsum(
  self: Tensor,
  dim: number,
  options?: {
    readonly dtype?: DType | null | undefined;
  },
): Tensor {
  return wrap((cumsum$ ??= bind<number>("aten::cumsum", ""))(self.handle, dim, dtypeCode(options?.dtype)));
}

let logsumexp$: NativeOperator<number> | undefined;
/**
 * `aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor`
 * @param options unless given: `keepdim` false
 */
export function logsumexp(
  self: Tensor,
  dim: readonly number[] | number,
  options?: {
    readonly keepdim?: boolean | undefined;
  },
): Tensor {
  return wrap((logsumexp$ ??= bind<number>("aten::logsumexp", ""))(self.handle, dim, options?.keepdim));
}

let std$: NativeOperator<number> | undefined;
/**
 * `aten::std(Tensor self, bool unbiased=True) -> Tensor`
 * @param options unless given: `unbiased` true
 */
export function std(
  self: Tensor,
  options?: {
    readonly unbiased?: boolean | undefined;
  },
): Tensor {
  return wrap((std$ ??= bind<number>("aten::std", ""))(self.handle, options?.unbiased));
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
/**
 * `aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)`
 * @param options unless given: `dim` 0, `start` none, `end` none, `step` 1
 */
export function slice(
  self: Tensor,
  options?: {
    readonly dim?: number | undefined;
    readonly start?: number | null | undefined;
    readonly end?: number | null | undefined;
    readonly step?: number | undefined;
  },
): Tensor {
  return wrap((slice$ ??= bind<number>("aten::slice", "Tensor"))(self.handle, options?.dim, options?.start, options?.end, options?.step));
}

let split$: NativeOperator<number[]> | undefined;
/**
 * `aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]`
 * @param options unless given: `dim` 0
 */
export function split(
  self: Tensor,
  splitSize: number,
  options?: {
    readonly dim?: number | undefined;
  },
): Tensor[] {
  return wrapAll((split$ ??= bind<number[]>("aten::split", "Tensor"))(self.handle, splitSize, options?.dim));
}

let splitSizes$: NativeOperator<number[]> | undefined;
/**
 * `aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]`
 * @param options unless given: `dim` 0
 */
export function splitSizes(
  self: Tensor,
  splitSizes: readonly number[],
  options?: {
    readonly dim?: number | undefined;
  },
): Tensor[] {
  return wrapAll((splitSizes$ ??= bind<number[]>("aten::split_with_sizes", ""))(self.handle, splitSizes, options?.dim));
}

let chunk$: NativeOperator<number[]> | undefined;
/**
 * `aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]`
 * @param options unless given: `dim` 0
 */
export function chunk(
  self: Tensor,
  chunks: number,
  options?: {
    readonly dim?: number | undefined;
  },
): Tensor[] {
  return wrapAll((chunk$ ??= bind<number[]>("aten::chunk", ""))(self.handle, chunks, options?.dim));
}

let cat$: NativeOperator<number> | undefined;
/**
 * `aten::cat(Tensor[] tensors, int dim=0) -> Tensor`
 * @param options unless given: `dim` 0
 */
export function cat(
  tensors: readonly Tensor[],
  options?: {
    readonly dim?: number | undefined;
  },
): Tensor {
  return wrap((cat$ ??= bind<number>("aten::cat", ""))(handlesOf(tensors), options?.dim));
}

let stack$: NativeOperator<number> | undefined;
/**
 * `aten::stack(Tensor[] tensors, int dim=0) -> Tensor`
 * @param options unless given: `dim` 0
 */
export function stack(
  tensors: readonly Tensor[],
  options?: {
    readonly dim?: number | undefined;
  },
): Tensor {
  return wrap((stack$ ??= bind<number>("aten::stack", ""))(handlesOf(tensors), options?.dim));
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
/**
 * `aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)`
 * @param options unless given: `implicit` false
 */
export function expand(
  self: Tensor,
  size: readonly number[],
  options?: {
    readonly implicit?: boolean | undefined;
  },
): Tensor {
  return wrap((expand$ ??= bind<number>("aten::expand", ""))(self.handle, size, options?.implicit));
}

let flatten$: NativeOperator<number> | undefined;
/**
 * `aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)`
 * @param options unless given: `startDim` 0, `endDim` -1
 */
export function flatten(
  self: Tensor,
  options?: {
    readonly startDim?: number | undefined;
    readonly endDim?: number | undefined;
  },
): Tensor {
  return wrap((flatten$ ??= bind<number>("aten::flatten", "using_ints"))(self.handle, options?.startDim, options?.endDim));
}

let unflatten$: NativeOperator<number> | undefined;
/** `aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)` */
export function unflatten(self: Tensor, dim: number, sizes: readonly number[]): Tensor {
  return wrap((unflatten$ ??= bind<number>("aten::unflatten", "int"))(self.handle, dim, sizes));
}

let repeatInterleave$: NativeOperator<number> | undefined;
/**
 * `aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor`
 * @param options unless given: `dim` none, `outputSize` none
 */
export function repeatInterleave(
  self: Tensor,
  repeats: number,
  options?: {
    readonly dim?: number | null | undefined;
    readonly outputSize?: number | null | undefined;
  },
): Tensor {
  return wrap((repeatInterleave$ ??= bind<number>("aten::repeat_interleave", "self_int"))(self.handle, repeats, options?.dim, options?.outputSize));
}

let contiguous$: NativeOperator<number> | undefined;
/**
 * `aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)`
 * @param options unless given: `memoryFormat` 0
 */
export function contiguous(
  self: Tensor,
  options?: {
    readonly memoryFormat?: number | undefined;
  },
): Tensor {
  return wrap((contiguous$ ??= bind<number>("aten::contiguous", ""))(self.handle, options?.memoryFormat));
}

let detach$: NativeOperator<number> | undefined;
/** `aten::detach(Tensor(a) self) -> Tensor(a)` */
export function detach(self: Tensor): Tensor {
  return wrap((detach$ ??= bind<number>("aten::detach", ""))(self.handle));
}

let clone$: NativeOperator<number> | undefined;
/**
 * `aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor`
 * @param options unless given: `memoryFormat` none
 */
export function clone(
  self: Tensor,
  options?: {
    readonly memoryFormat?: number | null | undefined;
  },
): Tensor {
  return wrap((clone$ ??= bind<number>("aten::clone", ""))(self.handle, options?.memoryFormat));
}

let copy_$: NativeOperator<undefined> | undefined;
/**
 * `aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)`
 * @param options unless given: `nonBlocking` false
 */
export function copy_(
  self: Tensor,
  src: Tensor,
  options?: {
    readonly nonBlocking?: boolean | undefined;
  },
): Tensor {
  (copy_$ ??= bind<undefined>("aten::copy_", ""))(self.handle, src.handle, options?.nonBlocking);
  return self;
}

let toDType$: NativeOperator<number> | undefined;
/**
 * `aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)`
 * @param options unless given: `nonBlocking` false, `copy` false, `memoryFormat` none
 */
export function toDType(
  self: Tensor,
  dtype: DType,
  options?: {
    readonly nonBlocking?: boolean | undefined;
    readonly copy?: boolean | undefined;
    readonly memoryFormat?: number | null | undefined;
  },
): Tensor {
  return wrap((toDType$ ??= bind<number>("aten::to", "dtype"))(self.handle, dtypeCode(dtype), options?.nonBlocking, options?.copy, options?.memoryFormat));
}

let toDevice$: NativeOperator<number> | undefined;
/**
 * `aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)`
 * @param options unless given: `nonBlocking` false, `copy` false, `memoryFormat` none
 */
export function toDevice(
  self: Tensor,
  device: string,
  dtype: DType,
  options?: {
    readonly nonBlocking?: boolean | undefined;
    readonly copy?: boolean | undefined;
    readonly memoryFormat?: number | null | undefined;
  },
): Tensor {
  return wrap((toDevice$ ??= bind<number>("aten::to", "device"))(self.handle, device, dtypeCode(dtype), options?.nonBlocking, options?.copy, options?.memoryFormat));
}

let flip$: NativeOperator<number> | undefined;
/** `aten::flip(Tensor self, int[] dims) -> Tensor` */
export function flip(self: Tensor, dims: readonly number[]): Tensor {
  return wrap((flip$ ??= bind<number>("aten::flip", ""))(self.handle, dims));
}

let roll$: NativeOperator<number> | undefined;
/**
 * `aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor`
 * @param options unless given: `dims` []
 */
export function roll(
  self: Tensor,
  shifts: readonly number[] | number,
  options?: {
    readonly dims?: readonly number[] | number | undefined;
  },
): Tensor {
  return wrap((roll$ ??= bind<number>("aten::roll", ""))(self.handle, shifts, options?.dims));
}

let tril$: NativeOperator<number> | undefined;
/**
 * `aten::tril(Tensor self, SymInt diagonal=0) -> Tensor`
 * @param options unless given: `diagonal` 0
 */
export function tril(
  self: Tensor,
  options?: {
    readonly diagonal?: number | undefined;
  },
): Tensor {
  return wrap((tril$ ??= bind<number>("aten::tril", ""))(self.handle, options?.diagonal));
}

let triu$: NativeOperator<number> | undefined;
/**
 * `aten::triu(Tensor self, SymInt diagonal=0) -> Tensor`
 * @param options unless given: `diagonal` 0
 */
export function triu(
  self: Tensor,
  options?: {
    readonly diagonal?: number | undefined;
  },
): Tensor {
  return wrap((triu$ ??= bind<number>("aten::triu", ""))(self.handle, options?.diagonal));
}

let diagonal$: NativeOperator<number> | undefined;
/**
 * `aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)`
 * @param options unless given: `offset` 0, `dim1` 0, `dim2` 1
 */
export function diagonal(
  self: Tensor,
  options?: {
    readonly offset?: number | undefined;
    readonly dim1?: number | undefined;
    readonly dim2?: number | undefined;
  },
): Tensor {
  return wrap((diagonal$ ??= bind<number>("aten::diagonal", ""))(self.handle, options?.offset, options?.dim1, options?.dim2));
}

let diagEmbed$: NativeOperator<number> | undefined;
/**
 * `aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor`
 * @param options unless given: `offset` 0, `dim1` -2, `dim2` -1
 */
export function diagEmbed(
  self: Tensor,
  options?: {
    readonly offset?: number | undefined;
    readonly dim1?: number | undefined;
    readonly dim2?: number | undefined;
  },
): Tensor {
  return wrap((diagEmbed$ ??= bind<number>("aten::diag_embed", ""))(self.handle, options?.offset, options?.dim1, options?.dim2));
}

let empty$: NativeOperator<number> | undefined;
/**
 * `aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `pinMemory` none, `memoryFormat` none
 */
export function empty(
  size: readonly number[],
  options: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
    readonly memoryFormat?: number | null | undefined;
  },
): Tensor {
  return wrap((empty$ ??= bind<number>("aten::empty", "memory_format"))(size, dtypeCode(options.dtype), options.layout, options.device, options.pinMemory, options.memoryFormat));
}

let zeros$: NativeOperator<number> | undefined;
/**
 * `aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `pinMemory` none
 */
export function zeros(
  size: readonly number[],
  options: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((zeros$ ??= bind<number>("aten::zeros", ""))(size, dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let ones$: NativeOperator<number> | undefined;
/**
 * `aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `pinMemory` none
 */
export function ones(
  size: readonly number[],
  options: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((ones$ ??= bind<number>("aten::ones", ""))(size, dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let full$: NativeOperator<number> | undefined;
/**
 * `aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `pinMemory` none
 */
export function full(
  size: readonly number[],
  fillValue: number,
  options: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((full$ ??= bind<number>("aten::full", ""))(size, fillValue, dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let arange$: NativeOperator<number> | undefined;
/**
 * `aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `pinMemory` none
 */
export function arange(
  start: number,
  end: number,
  options: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((arange$ ??= bind<number>("aten::arange", "start"))(start, end, dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let linspace$: NativeOperator<number> | undefined;
/**
 * `aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `pinMemory` none
 */
export function linspace(
  start: number,
  end: number,
  steps: number,
  options: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((linspace$ ??= bind<number>("aten::linspace", ""))(start, end, steps, dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let eye$: NativeOperator<number> | undefined;
/**
 * `aten::eye(SymInt n, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `pinMemory` none
 */
export function eye(
  n: number,
  options: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((eye$ ??= bind<number>("aten::eye", ""))(n, dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let emptyLike$: NativeOperator<number> | undefined;
/**
 * `aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `device` none, `pinMemory` none, `memoryFormat` none
 */
export function emptyLike(
  self: Tensor,
  options?: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device?: string | null | undefined;
    readonly pinMemory?: boolean | null | undefined;
    readonly memoryFormat?: number | null | undefined;
  },
): Tensor {
  return wrap((emptyLike$ ??= bind<number>("aten::empty_like", ""))(self.handle, dtypeCode(options?.dtype), options?.layout, options?.device, options?.pinMemory, options?.memoryFormat));
}

let zerosLike$: NativeOperator<number> | undefined;
/**
 * `aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `device` none, `pinMemory` none, `memoryFormat` none
 */
export function zerosLike(
  self: Tensor,
  options?: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device?: string | null | undefined;
    readonly pinMemory?: boolean | null | undefined;
    readonly memoryFormat?: number | null | undefined;
  },
): Tensor {
  return wrap((zerosLike$ ??= bind<number>("aten::zeros_like", ""))(self.handle, dtypeCode(options?.dtype), options?.layout, options?.device, options?.pinMemory, options?.memoryFormat));
}

let onesLike$: NativeOperator<number> | undefined;
/**
 * `aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor`
 * @param options unless given: `dtype` none, `layout` none, `device` none, `pinMemory` none, `memoryFormat` none
 */
export function onesLike(
  self: Tensor,
  options?: {
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device?: string | null | undefined;
    readonly pinMemory?: boolean | null | undefined;
    readonly memoryFormat?: number | null | undefined;
  },
): Tensor {
  return wrap((onesLike$ ??= bind<number>("aten::ones_like", ""))(self.handle, dtypeCode(options?.dtype), options?.layout, options?.device, options?.pinMemory, options?.memoryFormat));
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
/**
 * `aten::randn.generator(SymInt[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `generator` none, `dtype` none, `layout` none, `pinMemory` none
 */
export function randn(
  size: readonly number[],
  options: {
    readonly generator?: Generator | null | undefined;
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((randn$ ??= bind<number>("aten::randn", "generator"))(size, handleOf(options.generator), dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let rand$: NativeOperator<number> | undefined;
/**
 * `aten::rand.generator(SymInt[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `generator` none, `dtype` none, `layout` none, `pinMemory` none
 */
export function rand(
  size: readonly number[],
  options: {
    readonly generator?: Generator | null | undefined;
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((rand$ ??= bind<number>("aten::rand", "generator"))(size, handleOf(options.generator), dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let randperm$: NativeOperator<number> | undefined;
/**
 * `aten::randperm.generator(SymInt n, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 * @param options unless given: `generator` none, `dtype` 4, `layout` none, `pinMemory` none
 */
export function randperm(
  n: number,
  options: {
    readonly generator?: Generator | null | undefined;
    readonly dtype?: DType | null | undefined;
    readonly layout?: number | null | undefined;
    readonly device: string;
    readonly pinMemory?: boolean | null | undefined;
  },
): Tensor {
  return wrap((randperm$ ??= bind<number>("aten::randperm", "generator"))(n, handleOf(options.generator), dtypeCode(options.dtype), options.layout, options.device, options.pinMemory));
}

let normal_$: NativeOperator<undefined> | undefined;
/**
 * `aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)`
 * @param options unless given: `mean` 0., `std` 1., `generator` none
 */
export function normal_(
  self: Tensor,
  options?: {
    readonly mean?: number | undefined;
    readonly std?: number | undefined;
    readonly generator?: Generator | null | undefined;
  },
): Tensor {
  (normal_$ ??= bind<undefined>("aten::normal_", ""))(self.handle, options?.mean, options?.std, handleOf(options?.generator));
  return self;
}

let uniform_$: NativeOperator<undefined> | undefined;
/**
 * `aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)`
 * @param options unless given: `from` 0., `to` 1., `generator` none
 */
export function uniform_(
  self: Tensor,
  options?: {
    readonly from?: number | undefined;
    readonly to?: number | undefined;
    readonly generator?: Generator | null | undefined;
  },
): Tensor {
  (uniform_$ ??= bind<undefined>("aten::uniform_", ""))(self.handle, options?.from, options?.to, handleOf(options?.generator));
  return self;
}

let bernoulli_$: NativeOperator<undefined> | undefined;
/**
 * `aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor(a!)`
 * @param options unless given: `p` 0.5, `generator` none
 */
export function bernoulli_(
  self: Tensor,
  options?: {
    readonly p?: number | undefined;
    readonly generator?: Generator | null | undefined;
  },
): Tensor {
  (bernoulli_$ ??= bind<undefined>("aten::bernoulli_", "float"))(self.handle, options?.p, handleOf(options?.generator));
  return self;
}

let multinomial$: NativeOperator<number> | undefined;
/**
 * `aten::multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor`
 * @param options unless given: `replacement` false, `generator` none
 */
export function multinomial(
  self: Tensor,
  numSamples: number,
  options?: {
    readonly replacement?: boolean | undefined;
    readonly generator?: Generator | null | undefined;
  },
): Tensor {
  return wrap((multinomial$ ??= bind<number>("aten::multinomial", ""))(self.handle, numSamples, options?.replacement, handleOf(options?.generator)));
}

let indexSelect$: NativeOperator<number> | undefined;
/** `aten::index_select(Tensor self, int dim, Tensor index) -> Tensor` */
export function indexSelect(self: Tensor, dim: number, index: Tensor): Tensor {
  return wrap((indexSelect$ ??= bind<number>("aten::index_select", ""))(self.handle, dim, index.handle));
}

let gather$: NativeOperator<number> | undefined;
/**
 * `aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor`
 * @param options unless given: `sparseGrad` false
 */
export function gather(
  self: Tensor,
  dim: number,
  index: Tensor,
  options?: {
    readonly sparseGrad?: boolean | undefined;
  },
): Tensor {
  return wrap((gather$ ??= bind<number>("aten::gather", ""))(self.handle, dim, index.handle, options?.sparseGrad));
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
/**
 * `aten::index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor(a!)`
 * @param options unless given: `alpha` 1
 */
export function indexAdd_(
  self: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options?: {
    readonly alpha?: number | undefined;
  },
): Tensor {
  (indexAdd_$ ??= bind<undefined>("aten::index_add_", ""))(self.handle, dim, index.handle, source.handle, options?.alpha);
  return self;
}

let indexCopy_$: NativeOperator<undefined> | undefined;
/** `aten::index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source) -> Tensor(a!)` */
export function indexCopy_(self: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  (indexCopy_$ ??= bind<undefined>("aten::index_copy_", ""))(self.handle, dim, index.handle, source.handle);
  return self;
}

let embedding$: NativeOperator<number> | undefined;
/**
 * `aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor`
 * @param options unless given: `paddingIdx` -1, `scaleGradByFreq` false, `sparse` false
 */
export function embedding(
  weight: Tensor,
  indices: Tensor,
  options?: {
    readonly paddingIdx?: number | undefined;
    readonly scaleGradByFreq?: boolean | undefined;
    readonly sparse?: boolean | undefined;
  },
): Tensor {
  return wrap((embedding$ ??= bind<number>("aten::embedding", ""))(weight.handle, indices.handle, options?.paddingIdx, options?.scaleGradByFreq, options?.sparse));
}

let nonzero$: NativeOperator<number> | undefined;
/** `aten::nonzero(Tensor self) -> Tensor` */
export function nonzero(self: Tensor): Tensor {
  return wrap((nonzero$ ??= bind<number>("aten::nonzero", ""))(self.handle));
}

let topk$: NativeOperator<[number, number]> | undefined;
/**
 * `aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)`
 * @param options unless given: `dim` -1, `largest` true, `sorted` true
 */
export function topk(
  self: Tensor,
  k: number,
  options?: {
    readonly dim?: number | undefined;
    readonly largest?: boolean | undefined;
    readonly sorted?: boolean | undefined;
  },
): [Tensor, Tensor] {
  return wrapTuple((topk$ ??= bind<[number, number]>("aten::topk", ""))(self.handle, k, options?.dim, options?.largest, options?.sorted));
}

let sort$: NativeOperator<[number, number]> | undefined;
/**
 * `aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)`
 * @param options unless given: `dim` -1, `descending` false
 */
export function sort(
  self: Tensor,
  options?: {
    readonly dim?: number | undefined;
    readonly descending?: boolean | undefined;
  },
): [Tensor, Tensor] {
  return wrapTuple((sort$ ??= bind<[number, number]>("aten::sort", ""))(self.handle, options?.dim, options?.descending));
}

let searchsorted$: NativeOperator<number> | undefined;
/**
 * `aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor`
 * @param options unless given: `outInt32` false, `right` false, `side` none, `sorter` none
 */
export function searchsorted(
  sortedSequence: Tensor,
  self: Tensor,
  options?: {
    readonly outInt32?: boolean | undefined;
    readonly right?: boolean | undefined;
    readonly side?: string | null | undefined;
    readonly sorter?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((searchsorted$ ??= bind<number>("aten::searchsorted", "Tensor"))(sortedSequence.handle, self.handle, options?.outInt32, options?.right, options?.side, handleOf(options?.sorter)));
}

let bucketize$: NativeOperator<number> | undefined;
/**
 * `aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor`
 * @param options unless given: `outInt32` false, `right` false
 */
export function bucketize(
  self: Tensor,
  boundaries: Tensor,
  options?: {
    readonly outInt32?: boolean | undefined;
    readonly right?: boolean | undefined;
  },
): Tensor {
  return wrap((bucketize$ ??= bind<number>("aten::bucketize", "Tensor"))(self.handle, boundaries.handle, options?.outInt32, options?.right));
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
/**
 * `aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor`
 * @param options unless given: `beta` 1, `alpha` 1
 */
export function addmm(
  self: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  options?: {
    readonly beta?: number | undefined;
    readonly alpha?: number | undefined;
  },
): Tensor {
  return wrap((addmm$ ??= bind<number>("aten::addmm", ""))(self.handle, mat1.handle, mat2.handle, options?.beta, options?.alpha));
}

let addmm_$: NativeOperator<undefined> | undefined;
/**
 * `aten::addmm_(Tensor(a!) self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)`
 * @param options unless given: `beta` 1, `alpha` 1
 */
export function addmm_(
  self: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  options?: {
    readonly beta?: number | undefined;
    readonly alpha?: number | undefined;
  },
): Tensor {
  (addmm_$ ??= bind<undefined>("aten::addmm_", ""))(self.handle, mat1.handle, mat2.handle, options?.beta, options?.alpha);
  return self;
}

let baddbmm_$: NativeOperator<undefined> | undefined;
/**
 * `aten::baddbmm_(Tensor(a!) self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)`
 * @param options unless given: `beta` 1, `alpha` 1
 */
export function baddbmm_(
  self: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options?: {
    readonly beta?: number | undefined;
    readonly alpha?: number | undefined;
  },
): Tensor {
  (baddbmm_$ ??= bind<undefined>("aten::baddbmm_", ""))(self.handle, batch1.handle, batch2.handle, options?.beta, options?.alpha);
  return self;
}

let linear$: NativeOperator<number> | undefined;
/**
 * `aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor`
 * @param options unless given: `bias` none
 */
export function linear(
  input: Tensor,
  weight: Tensor,
  options?: {
    readonly bias?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((linear$ ??= bind<number>("aten::linear", ""))(input.handle, weight.handle, handleOf(options?.bias)));
}

let linalgSvd$: NativeOperator<[number, number, number]> | undefined;
/**
 * `aten::linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)`
 * @param options unless given: `fullMatrices` true, `driver` none
 */
export function linalgSvd(
  A: Tensor,
  options?: {
    readonly fullMatrices?: boolean | undefined;
    readonly driver?: string | null | undefined;
  },
): [Tensor, Tensor, Tensor] {
  return wrapTuple((linalgSvd$ ??= bind<[number, number, number]>("aten::linalg_svd", ""))(A.handle, options?.fullMatrices, options?.driver));
}

let linalgQr$: NativeOperator<[number, number]> | undefined;
/**
 * `aten::linalg_qr(Tensor A, str mode="reduced") -> (Tensor Q, Tensor R)`
 * @param options unless given: `mode` "reduced"
 */
export function linalgQr(
  A: Tensor,
  options?: {
    readonly mode?: string | undefined;
  },
): [Tensor, Tensor] {
  return wrapTuple((linalgQr$ ??= bind<[number, number]>("aten::linalg_qr", ""))(A.handle, options?.mode));
}

let linalgEigh$: NativeOperator<[number, number]> | undefined;
/**
 * `aten::linalg_eigh(Tensor self, str UPLO="L") -> (Tensor eigenvalues, Tensor eigenvectors)`
 * @param options unless given: `UPLO` "L"
 */
export function linalgEigh(
  self: Tensor,
  options?: {
    readonly UPLO?: string | undefined;
  },
): [Tensor, Tensor] {
  return wrapTuple((linalgEigh$ ??= bind<[number, number]>("aten::linalg_eigh", ""))(self.handle, options?.UPLO));
}

let linalgSvdvals$: NativeOperator<number> | undefined;
/**
 * `aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor`
 * @param options unless given: `driver` none
 */
export function linalgSvdvals(
  A: Tensor,
  options?: {
    readonly driver?: string | null | undefined;
  },
): Tensor {
  return wrap((linalgSvdvals$ ??= bind<number>("aten::linalg_svdvals", ""))(A.handle, options?.driver));
}

let linalgPinv$: NativeOperator<number> | undefined;
/**
 * `aten::linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor`
 * @param options unless given: `hermitian` false
 */
export function linalgPinv(
  self: Tensor,
  rcond: number,
  options?: {
    readonly hermitian?: boolean | undefined;
  },
): Tensor {
  return wrap((linalgPinv$ ??= bind<number>("aten::linalg_pinv", ""))(self.handle, rcond, options?.hermitian));
}

let ifft2$: NativeOperator<number> | undefined;
/**
 * `aten::fft_ifft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2, -1], str? norm=None) -> Tensor`
 * @param options unless given: `s` none, `dim` [-2, -1], `norm` none
 */
export function ifft2(
  self: Tensor,
  options?: {
    readonly s?: readonly number[] | number | null | undefined;
    readonly dim?: readonly number[] | number | undefined;
    readonly norm?: string | null | undefined;
  },
): Tensor {
  return wrap((ifft2$ ??= bind<number>("aten::fft_ifft2", ""))(self.handle, options?.s, options?.dim, options?.norm));
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
/**
 * `aten::gelu(Tensor self, *, str approximate="none") -> Tensor`
 * @param options unless given: `approximate` "none"
 */
export function gelu(
  self: Tensor,
  options?: {
    readonly approximate?: string | undefined;
  },
): Tensor {
  return wrap((gelu$ ??= bind<number>("aten::gelu", ""))(self.handle, options?.approximate));
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
/**
 * `aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor`
 * @param options unless given: `dtype` none
 */
export function softmax(
  self: Tensor,
  dim: number,
  options?: {
    readonly dtype?: DType | null | undefined;
  },
): Tensor {
  return wrap((softmax$ ??= bind<number>("aten::softmax", "int"))(self.handle, dim, dtypeCode(options?.dtype)));
}

let logSoftmax$: NativeOperator<number> | undefined;
/**
 * `aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor`
 * @param options unless given: `dtype` none
 */
export function logSoftmax(
  self: Tensor,
  dim: number,
  options?: {
    readonly dtype?: DType | null | undefined;
  },
): Tensor {
  return wrap((logSoftmax$ ??= bind<number>("aten::log_softmax", "int"))(self.handle, dim, dtypeCode(options?.dtype)));
}

let rmsNorm$: NativeOperator<number> | undefined;
/**
 * `aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor`
 * @param options unless given: `weight` none, `eps` none
 */
export function rmsNorm(
  input: Tensor,
  normalizedShape: readonly number[],
  options?: {
    readonly weight?: Tensor | null | undefined;
    readonly eps?: number | null | undefined;
  },
): Tensor {
  return wrap((rmsNorm$ ??= bind<number>("aten::rms_norm", ""))(input.handle, normalizedShape, handleOf(options?.weight), options?.eps));
}

let flashAttentionForward$: NativeOperator<[number, number, number, number, number]> | undefined;
/**
 * `aten::_flash_attention_forward(Tensor query, Tensor key, Tensor value, Tensor? cum_seq_q, Tensor? cum_seq_k, SymInt max_q, SymInt max_k, float dropout_p, bool is_causal, bool return_debug_mask, *, float? scale=None, SymInt? window_size_left=None, SymInt? window_size_right=None, Tensor? seqused_k=None, Tensor? alibi_slopes=None) -> (Tensor output, Tensor softmax_logsumexp, Tensor rng_state, Tensor unused, Tensor debug_attn_mask)`
 * @param options unless given: `cumSeqQ` none, `cumSeqK` none, `scale` none, `windowSizeLeft` none, `windowSizeRight` none, `sequsedK` none, `alibiSlopes` none
 */
export function flashAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  maxQ: number,
  maxK: number,
  dropoutP: number,
  isCausal: boolean,
  returnDebugMask: boolean,
  options?: {
    readonly cumSeqQ?: Tensor | null | undefined;
    readonly cumSeqK?: Tensor | null | undefined;
    readonly scale?: number | null | undefined;
    readonly windowSizeLeft?: number | null | undefined;
    readonly windowSizeRight?: number | null | undefined;
    readonly sequsedK?: Tensor | null | undefined;
    readonly alibiSlopes?: Tensor | null | undefined;
  },
): [Tensor, Tensor, Tensor, Tensor, Tensor] {
  return wrapTuple((flashAttentionForward$ ??= bind<[number, number, number, number, number]>("aten::_flash_attention_forward", ""))(query.handle, key.handle, value.handle, handleOf(options?.cumSeqQ), handleOf(options?.cumSeqK), maxQ, maxK, dropoutP, isCausal, returnDebugMask, options?.scale, options?.windowSizeLeft, options?.windowSizeRight, handleOf(options?.sequsedK), handleOf(options?.alibiSlopes)));
}

let layerNorm$: NativeOperator<number> | undefined;
/**
 * `aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor`
 * @param options unless given: `weight` none, `bias` none, `eps` 1.0000000000000001e-05, `cudnnEnable` true
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: readonly number[],
  options?: {
    readonly weight?: Tensor | null | undefined;
    readonly bias?: Tensor | null | undefined;
    readonly eps?: number | undefined;
    readonly cudnnEnable?: boolean | undefined;
  },
): Tensor {
  return wrap((layerNorm$ ??= bind<number>("aten::layer_norm", ""))(input.handle, normalizedShape, handleOf(options?.weight), handleOf(options?.bias), options?.eps, options?.cudnnEnable));
}

let conv1d$: NativeOperator<number> | undefined;
/**
 * `aten::conv1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], SymInt[1] padding=[0], SymInt[1] dilation=[1], SymInt groups=1) -> Tensor`
 * @param options unless given: `bias` none, `stride` [1], `padding` [0], `dilation` [1], `groups` 1
 */
export function conv1d(
  input: Tensor,
  weight: Tensor,
  options?: {
    readonly bias?: Tensor | null | undefined;
    readonly stride?: readonly number[] | number | undefined;
    readonly padding?: readonly number[] | number | undefined;
    readonly dilation?: readonly number[] | number | undefined;
    readonly groups?: number | undefined;
  },
): Tensor {
  return wrap((conv1d$ ??= bind<number>("aten::conv1d", ""))(input.handle, weight.handle, handleOf(options?.bias), options?.stride, options?.padding, options?.dilation, options?.groups));
}

let nllLoss$: NativeOperator<number> | undefined;
/**
 * `aten::nll_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt ignore_index=-100) -> Tensor`
 * @param options unless given: `weight` none, `reduction` 1, `ignoreIndex` -100
 */
export function nllLoss(
  self: Tensor,
  target: Tensor,
  options?: {
    readonly weight?: Tensor | null | undefined;
    readonly reduction?: number | undefined;
    readonly ignoreIndex?: number | undefined;
  },
): Tensor {
  return wrap((nllLoss$ ??= bind<number>("aten::nll_loss", ""))(self.handle, target.handle, handleOf(options?.weight), options?.reduction, options?.ignoreIndex));
}

let scaledDotProductAttention$: NativeOperator<number> | undefined;
/**
 * `aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor`
 * @param options unless given: `attnMask` none, `dropoutP` 0., `isCausal` false, `scale` none, `enableGqa` false
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options?: {
    readonly attnMask?: Tensor | null | undefined;
    readonly dropoutP?: number | undefined;
    readonly isCausal?: boolean | undefined;
    readonly scale?: number | null | undefined;
    readonly enableGqa?: boolean | undefined;
  },
): Tensor {
  return wrap((scaledDotProductAttention$ ??= bind<number>("aten::scaled_dot_product_attention", ""))(query.handle, key.handle, value.handle, handleOf(options?.attnMask), options?.dropoutP, options?.isCausal, options?.scale, options?.enableGqa));
}

let fusedAdamw_$: NativeOperator<undefined> | undefined;
/**
 * `aten::_fused_adamw_(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] exp_avgs, Tensor(d!)[] exp_avg_sqs, Tensor(e!)[] max_exp_avg_sqs, Tensor[] state_steps, *, float lr, float beta1, float beta2, float weight_decay, float eps, bool amsgrad, bool maximize, Tensor? grad_scale=None, Tensor? found_inf=None) -> ()`
 * @param options unless given: `gradScale` none, `foundInf` none
 */
export function fusedAdamw_(
  self: readonly Tensor[],
  grads: readonly Tensor[],
  expAvgs: readonly Tensor[],
  expAvgSqs: readonly Tensor[],
  maxExpAvgSqs: readonly Tensor[],
  stateSteps: readonly Tensor[],
  options: {
    readonly lr: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly weightDecay: number;
    readonly eps: number;
    readonly amsgrad: boolean;
    readonly maximize: boolean;
    readonly gradScale?: Tensor | null | undefined;
    readonly foundInf?: Tensor | null | undefined;
  },
): void {
  (fusedAdamw_$ ??= bind<undefined>("aten::_fused_adamw_", ""))(handlesOf(self), handlesOf(grads), handlesOf(expAvgs), handlesOf(expAvgSqs), handlesOf(maxExpAvgSqs), handlesOf(stateSteps), options.lr, options.beta1, options.beta2, options.weightDecay, options.eps, options.amsgrad, options.maximize, handleOf(options.gradScale), handleOf(options.foundInf));
}

let fusedSgd_$: NativeOperator<undefined> | undefined;
/**
 * `aten::_fused_sgd_(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] momentum_buffer_list, *, float weight_decay, float momentum, float lr, float dampening, bool nesterov, bool maximize, bool is_first_step, Tensor? grad_scale=None, Tensor? found_inf=None) -> ()`
 * @param options unless given: `gradScale` none, `foundInf` none
 */
export function fusedSgd_(
  self: readonly Tensor[],
  grads: readonly Tensor[],
  momentumBufferList: readonly Tensor[],
  options: {
    readonly weightDecay: number;
    readonly momentum: number;
    readonly lr: number;
    readonly dampening: number;
    readonly nesterov: boolean;
    readonly maximize: boolean;
    readonly isFirstStep: boolean;
    readonly gradScale?: Tensor | null | undefined;
    readonly foundInf?: Tensor | null | undefined;
  },
): void {
  (fusedSgd_$ ??= bind<undefined>("aten::_fused_sgd_", ""))(handlesOf(self), handlesOf(grads), handlesOf(momentumBufferList), options.weightDecay, options.momentum, options.lr, options.dampening, options.nesterov, options.maximize, options.isFirstStep, handleOf(options.gradScale), handleOf(options.foundInf));
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
/**
 * `aten::_foreach_add_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()`
 * @param options unless given: `alpha` 1
 */
export function foreachAdd_(
  self: readonly Tensor[],
  other: readonly Tensor[],
  options?: {
    readonly alpha?: number | undefined;
  },
): void {
  (foreachAdd_$ ??= bind<undefined>("aten::_foreach_add_", "List"))(handlesOf(self), handlesOf(other), options?.alpha);
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
/**
 * `aten::_foreach_norm.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) -> Tensor[]`
 * @param options unless given: `ord` 2, `dtype` none
 */
export function foreachNorm(
  self: readonly Tensor[],
  options?: {
    readonly ord?: number | undefined;
    readonly dtype?: DType | null | undefined;
  },
): Tensor[] {
  return wrapAll((foreachNorm$ ??= bind<number[]>("aten::_foreach_norm", "Scalar"))(handlesOf(self), options?.ord, dtypeCode(options?.dtype)));
}

let fastLinear$: NativeOperator<number> | undefined;
/**
 * `scalora::linear(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor`
 * @param options unless given: `bias` none
 */
export function fastLinear(
  x: Tensor,
  weight: Tensor,
  options?: {
    readonly bias?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((fastLinear$ ??= bind<number>("scalora::linear", ""))(x.handle, weight.handle, handleOf(options?.bias)));
}

let loraLinear$: NativeOperator<number> | undefined;
/**
 * `scalora::lora_linear(Tensor x, Tensor weight, Tensor? bias, Tensor A, Tensor B, float scale, Tensor? P=None, Tensor? Q=None) -> Tensor`
 * @param options unless given: `bias` none, `P` none, `Q` none
 */
export function loraLinear(
  x: Tensor,
  weight: Tensor,
  A: Tensor,
  B: Tensor,
  scale: number,
  options?: {
    readonly bias?: Tensor | null | undefined;
    readonly P?: Tensor | null | undefined;
    readonly Q?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((loraLinear$ ??= bind<number>("scalora::lora_linear", ""))(x.handle, weight.handle, handleOf(options?.bias), A.handle, B.handle, scale, handleOf(options?.P), handleOf(options?.Q)));
}

let nf4Linear$: NativeOperator<number> | undefined;
/**
 * `scalora::nf4_linear(Tensor x, Tensor[] parts, int rows, int columns, Tensor? bias=None) -> Tensor`
 * @param options unless given: `bias` none
 */
export function nf4Linear(
  x: Tensor,
  parts: readonly Tensor[],
  rows: number,
  columns: number,
  options?: {
    readonly bias?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((nf4Linear$ ??= bind<number>("scalora::nf4_linear", ""))(x.handle, handlesOf(parts), rows, columns, handleOf(options?.bias)));
}

let nf4LoraLinear$: NativeOperator<number> | undefined;
/**
 * `scalora::nf4_lora_linear(Tensor x, Tensor[] parts, int rows, int columns, Tensor? bias, Tensor A, Tensor B, float scale, Tensor? P=None, Tensor? Q=None) -> Tensor`
 * @param options unless given: `bias` none, `P` none, `Q` none
 */
export function nf4LoraLinear(
  x: Tensor,
  parts: readonly Tensor[],
  rows: number,
  columns: number,
  A: Tensor,
  B: Tensor,
  scale: number,
  options?: {
    readonly bias?: Tensor | null | undefined;
    readonly P?: Tensor | null | undefined;
    readonly Q?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((nf4LoraLinear$ ??= bind<number>("scalora::nf4_lora_linear", ""))(x.handle, handlesOf(parts), rows, columns, handleOf(options?.bias), A.handle, B.handle, scale, handleOf(options?.P), handleOf(options?.Q)));
}

let nf4Dequantize$: NativeOperator<number> | undefined;
/** `scalora::nf4_dequantize(Tensor[] parts, int rows, int columns, ScalarType dtype) -> Tensor` */
export function nf4Dequantize(parts: readonly Tensor[], rows: number, columns: number, dtype: DType): Tensor {
  return wrap((nf4Dequantize$ ??= bind<number>("scalora::nf4_dequantize", ""))(handlesOf(parts), rows, columns, dtypeCode(dtype)));
}

let ggufQuantize$: NativeOperator<number> | undefined;
/**
 * `scalora::gguf_quantize(Tensor weight, str type, Tensor? importance=None) -> Tensor`
 * @param options unless given: `importance` none
 */
export function ggufQuantize(
  weight: Tensor,
  type: string,
  options?: {
    readonly importance?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((ggufQuantize$ ??= bind<number>("scalora::gguf_quantize", ""))(weight.handle, type, handleOf(options?.importance)));
}

let q8Pack$: NativeOperator<[number, number]> | undefined;
/** `scalora::q8_pack(Tensor bytes) -> (Tensor, Tensor)` */
export function q8Pack(bytes: Tensor): [Tensor, Tensor] {
  return wrapTuple((q8Pack$ ??= bind<[number, number]>("scalora::q8_pack", ""))(bytes.handle));
}

let q8Embedding$: NativeOperator<number> | undefined;
/** `scalora::q8_embedding(Tensor codes, Tensor scales, int rows, int columns, Tensor tokens, ScalarType dtype) -> Tensor` */
export function q8Embedding(codes: Tensor, scales: Tensor, rows: number, columns: number, tokens: Tensor, dtype: DType): Tensor {
  return wrap((q8Embedding$ ??= bind<number>("scalora::q8_embedding", ""))(codes.handle, scales.handle, rows, columns, tokens.handle, dtypeCode(dtype)));
}

let q8Linear$: NativeOperator<number> | undefined;
/**
 * `scalora::q8_linear(Tensor x, Tensor codes, Tensor scales, int rows, Tensor? bias=None) -> Tensor`
 * @param options unless given: `bias` none
 */
export function q8Linear(
  x: Tensor,
  codes: Tensor,
  scales: Tensor,
  rows: number,
  options?: {
    readonly bias?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((q8Linear$ ??= bind<number>("scalora::q8_linear", ""))(x.handle, codes.handle, scales.handle, rows, handleOf(options?.bias)));
}

let copyToHugePages$: NativeOperator<number> | undefined;
/** `scalora::copy_to_huge_pages(Tensor x, ScalarType dtype) -> Tensor` */
export function copyToHugePages(x: Tensor, dtype: DType): Tensor {
  return wrap((copyToHugePages$ ??= bind<number>("scalora::copy_to_huge_pages", ""))(x.handle, dtypeCode(dtype)));
}

let causalAttention$: NativeOperator<number> | undefined;
/**
 * `scalora::causal_attention(Tensor queries, Tensor keys, Tensor values, int[] offsets, float scale, int? window=None, float? soft_cap=None) -> Tensor`
 * @param options unless given: `window` none, `softCap` none
 */
export function causalAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  offsets: readonly number[],
  scale: number,
  options?: {
    readonly window?: number | null | undefined;
    readonly softCap?: number | null | undefined;
  },
): Tensor {
  return wrap((causalAttention$ ??= bind<number>("scalora::causal_attention", ""))(queries.handle, keys.handle, values.handle, offsets, scale, options?.window, options?.softCap));
}

let bidirectionalAttention$: NativeOperator<number> | undefined;
/**
 * `scalora::bidirectional_attention(Tensor queries, Tensor keys, Tensor values, int[] offsets, float scale, Tensor? kept=None) -> Tensor`
 * @param options unless given: `kept` none
 */
export function bidirectionalAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  offsets: readonly number[],
  scale: number,
  options?: {
    readonly kept?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((bidirectionalAttention$ ??= bind<number>("scalora::bidirectional_attention", ""))(queries.handle, keys.handle, values.handle, offsets, scale, handleOf(options?.kept)));
}

let decodeAttention$: NativeOperator<number> | undefined;
/** `scalora::decode_attention(Tensor queries, Tensor keys, Tensor values, Tensor cosines, Tensor sines, Tensor(a!)[] key_caches, Tensor(b!)[] value_caches, int[] lengths, float scale) -> Tensor` */
export function decodeAttention(queries: Tensor, keys: Tensor, values: Tensor, cosines: Tensor, sines: Tensor, keyCaches: readonly Tensor[], valueCaches: readonly Tensor[], lengths: readonly number[], scale: number): Tensor {
  return wrap((decodeAttention$ ??= bind<number>("scalora::decode_attention", ""))(queries.handle, keys.handle, values.handle, cosines.handle, sines.handle, handlesOf(keyCaches), handlesOf(valueCaches), lengths, scale));
}

let fusedRmsNorm$: NativeOperator<number> | undefined;
/**
 * `scalora::rms_norm(Tensor x, Tensor weight, float epsilon, bool from_one=False) -> Tensor`
 * @param options unless given: `fromOne` false
 */
export function fusedRmsNorm(
  x: Tensor,
  weight: Tensor,
  epsilon: number,
  options?: {
    readonly fromOne?: boolean | undefined;
  },
): Tensor {
  return wrap((fusedRmsNorm$ ??= bind<number>("scalora::rms_norm", ""))(x.handle, weight.handle, epsilon, options?.fromOne));
}

let fusedRotate$: NativeOperator<number> | undefined;
/** `scalora::rotate(Tensor x, Tensor cosines, Tensor sines) -> Tensor` */
export function fusedRotate(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  return wrap((fusedRotate$ ??= bind<number>("scalora::rotate", ""))(x.handle, cosines.handle, sines.handle));
}

let fusedActAndMul$: NativeOperator<number> | undefined;
/** `scalora::act_and_mul(Tensor gate, Tensor up, float linear, float cubic) -> Tensor` */
export function fusedActAndMul(gate: Tensor, up: Tensor, linear: number, cubic: number): Tensor {
  return wrap((fusedActAndMul$ ??= bind<number>("scalora::act_and_mul", ""))(gate.handle, up.handle, linear, cubic));
}

let linearCrossEntropy$: NativeOperator<number> | undefined;
/**
 * `scalora::linear_cross_entropy(Tensor hidden, Tensor weight, Tensor targets, float? soft_cap=None, Tensor? row_weights=None) -> Tensor`
 * @param options unless given: `softCap` none, `rowWeights` none
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options?: {
    readonly softCap?: number | null | undefined;
    readonly rowWeights?: Tensor | null | undefined;
  },
): Tensor {
  return wrap((linearCrossEntropy$ ??= bind<number>("scalora::linear_cross_entropy", ""))(hidden.handle, weight.handle, targets.handle, options?.softCap, handleOf(options?.rowWeights)));
}
