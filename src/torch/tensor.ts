import { native } from "../native/load.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatShape } from "../util/format.ts";
import { type DType, dtypeOfCode, type TensorData, viewData } from "./dtype.ts";
import { recordCreation, recordDisposal } from "./leaks.ts";
import { addToScope } from "./scope.ts";

/** Shapes by their number of dimensions. */
interface Sizes {
  1: readonly [number];
  2: readonly [number, number];
  3: readonly [number, number, number];
  4: readonly [number, number, number, number];
}

/**
 * A tensor of libtorch. Its memory is outside JavaScript and is freed by `dispose()`, by `using`, or when the `scope()` that
 * created it ends. Using a disposed tensor or one of another thread throws. Shape, dtype and device always come from
 * libtorch.
 */
export class Tensor implements Disposable {
  /** Identifies the tensor in the addon. */
  readonly handle: number;
  private kept = false;

  /** @internal Wraps a handle that the addon returned. */
  constructor(handle: number) {
    this.handle = handle;
    addToScope(this);
    recordCreation(handle);
  }

  get shape(): readonly number[] {
    return native().shape(this.handle);
  }

  /** The size of one dimension; negative dimensions count from the last. */
  size(dim: number): number {
    const size = this.shape.at(dim);
    if (size === undefined)
      throw new ScaloraError("tensor", "size: no such dimension", {
        expected: `a tensor with a dimension ${dim}`,
        found: formatShape(this.shape),
      });
    return size;
  }

  /** The shape of a tensor of `ndim` dimensions, as a tuple. */
  sizes<N extends keyof Sizes>(ndim: N): Sizes[N];
  sizes(ndim: number): readonly number[] {
    const { shape } = this;
    if (shape.length !== ndim)
      throw new ScaloraError("tensor", "sizes: wrong number of dimensions", {
        expected: `a tensor of ${ndim} dimensions`,
        found: formatShape(shape),
      });
    return shape;
  }

  get dtype(): DType {
    return dtypeOfCode(native().dtype(this.handle));
  }

  /** For example "cpu" or "cuda:0". */
  get device(): string {
    return native().device(this.handle);
  }

  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get numel(): number {
    return this.shape.reduce((product, extent) => product * extent, 1);
  }

  get isContiguous(): boolean {
    return native().isContiguous(this.handle);
  }

  get requiresGrad(): boolean {
    return native().requiresGrad(this.handle);
  }

  /** Turns recording of gradients on or off, in place. */
  setRequiresGrad(on: boolean): this {
    native().setRequiresGrad(this.handle, on);
    return this;
  }

  /** The accumulated gradient (shares memory with it), or undefined. */
  get grad(): Tensor | undefined {
    const handle = native().grad(this.handle);
    return handle === 0 ? undefined : new Tensor(handle);
  }

  /** Sets or clears the gradient; later backward passes add to the tensor given. */
  setGrad(gradient: Tensor | undefined): this {
    native().setGrad(this.handle, gradient?.handle ?? 0);
    return this;
  }

  /** Backpropagates from this tensor (a scalar unless `gradient` is given): adds gradients to the leaves of its graph. */
  backward(gradient?: Tensor): void {
    native().backward(this.handle, gradient?.handle ?? 0);
  }

  /** The only element, as a number. */
  item(): number {
    return native().item(this.handle);
  }

  /** A copy of the elements in row-major order. */
  data(): TensorData {
    return viewData(native().toData(this.handle), this.dtype);
  }

  /** A copy of the elements converted to float64. */
  toFloats(): Float64Array {
    const data = this.data();
    if (data instanceof BigInt64Array) return Float64Array.from(data, Number);
    if (!(data instanceof Uint16Array)) return Float64Array.from(data);
    if (this.dtype === "bfloat16") return Float64Array.from(data, bfloat16ToNumber);
    throw new ScaloraError("tensor", "Convert a float16 tensor before reading it", {
      fix: 'toDType(tensor, "float32")',
    });
  }

  get isDisposed(): boolean {
    return !native().isAlive(this.handle);
  }

  /** Whether `keep()` was called. */
  get isKept(): boolean {
    return this.kept;
  }

  /** Takes the tensor out of every scope: it lives until `dispose()`. */
  keep(): this {
    this.kept = true;
    return this;
  }

  /** Frees it; further calls do nothing. */
  dispose(): void {
    if (native().dispose(this.handle)) recordDisposal(this.handle);
  }

  /** Frees the tensor. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return this.isDisposed
      ? "Tensor(disposed)"
      : `Tensor(${this.dtype}${formatShape(this.shape)}, ${this.device})`;
  }
}

const view = new DataView(new ArrayBuffer(4));

function bfloat16ToNumber(half: number): number {
  view.setUint32(0, half << 16);
  return view.getFloat32(0);
}

/** Number of live tensors of the calling thread. */
export function liveTensorCount(): number {
  return native().liveTensors();
}
