import type { FrozenDelta } from "../../nn/index.ts";
import {
  add,
  addmm_,
  addScalar,
  baddbmm_,
  bitwiseAndScalar,
  copy_,
  detach,
  empty,
  leftShiftScalar,
  noGrad,
  rightShiftScalar,
  scope,
  select,
  sub,
  type Tensor,
  toDType,
  transpose,
  viewDType,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { NamedLinear } from "./bank.ts";

/** Where the adapted weights of a bank live, so that merging into them loses nothing. */
export interface BaseStore extends Disposable {
  /**
   * W_l += left_l · right_lᵀ for every layer; left `[L, m, k]`, right `[L, n, k]`.
   * @returns for stores that truncate: the share of the merged energy that was lost, by layer
   */
  merge(left: Tensor, right: Tensor): readonly number[] | undefined;
  /** Whether absorbing so many more columns can move the forward pass by more than the rounding of one product. */
  isLossy(columns: number): boolean;
  /** The low-rank term of a layer, for stores that leave its weight frozen; undefined before the first merge. */
  frozenDelta?(index: number): FrozenDelta | undefined;
  /** The exact weight of a layer, float32 or wider; the caller's. */
  weight(index: number): Tensor;
  /** The tensors that a checkpoint must hold, by name. */
  state(): Map<string, Tensor>;
  /** After values were written into the tensors of `state`. */
  restored?(): void;
  /** Frees the store; the layers keep views of it, which must be gone or go too. */
  dispose(): void;
}

/** Gives each layer its slice of a stack in place of the weight it had, which is freed. */
function moveWeights(
  stack: Tensor,
  layers: readonly NamedLinear[],
  copyFrom: (slot: Tensor, weight: Tensor) => void,
): void {
  noGrad(() => {
    layers.forEach(({ linear }, index) => {
      const old = linear.unquantisedWeight();
      scope(() => void copyFrom(select(stack, 0, index), old));
      const slice = select(stack, 0, index);
      linear.weight = detach(slice).keep();
      slice.dispose();
      old.dispose();
    });
  });
}

/** Weights in float32 (or float64): the forward sees every merge. */
export class ExactBase implements BaseStore {
  private readonly weights: Tensor;

  constructor(layers: readonly NamedLinear[]) {
    const { weight } = elementAt(layers, 0).linear;
    const dtype = weight.dtype === "float64" ? "float64" : "float32";
    this.weights = empty([layers.length, ...weight.shape], { dtype, device: weight.device }).keep();
    moveWeights(this.weights, layers, copy_);
  }

  merge(left: Tensor, right: Tensor): undefined {
    noGrad(() => scope(() => void baddbmm_(this.weights, left, transpose(right, 1, 2))));
  }

  isLossy(): boolean {
    return false;
  }

  weight(index: number): Tensor {
    return scope(() => toDType(select(this.weights, 0, index), this.weights.dtype, { copy: true }));
  }

  state(): Map<string, Tensor> {
    return new Map([["base", this.weights]]);
  }

  dispose(): void {
    this.weights.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Float32 weights in two halves of 16 bits: `high`, a bfloat16 that the forward uses as it is, and `low`, an int16 with the
 * rest: high = (bits + 0x8000) >> 16 and low = bits − (high << 16). Stored exactly in the memory of float32; what is merged
 * reaches the forward once it passes half a bfloat16 ulp.
 */
export class SplitBase implements BaseStore {
  private readonly high: Tensor;
  private readonly low: Tensor;

  constructor(layers: readonly NamedLinear[]) {
    const { weight } = elementAt(layers, 0).linear;
    const shape = [layers.length, ...weight.shape];
    this.high = empty(shape, { dtype: "bfloat16", device: weight.device }).keep();
    this.low = empty(shape, { dtype: "int16", device: weight.device }).keep();
    let index = 0;
    moveWeights(this.high, layers, (_, old) => this.write(index++, toDType(old, "float32")));
  }

  merge(left: Tensor, right: Tensor): undefined {
    const layers = this.high.size(0);
    noGrad(() => {
      for (let index = 0; index < layers; index++)
        scope(() => {
          const transposed = transpose(select(right, 0, index), 0, 1);
          this.write(index, addmm_(this.weight(index), select(left, 0, index), transposed));
        });
    });
  }

  isLossy(): boolean {
    return true;
  }

  weight(index: number): Tensor {
    return noGrad(() => scope(() => joinHalves(select(this.high, 0, index), select(this.low, 0, index))));
  }

  private write(index: number, weight: Tensor): void {
    const { high, low } = splitHalves(weight);
    copy_(select(this.high, 0, index), high);
    copy_(select(this.low, 0, index), low);
  }

  state(): Map<string, Tensor> {
    return new Map([
      ["base.high", this.high],
      ["base.low", this.low],
    ]);
  }

  dispose(): void {
    this.high.dispose();
    this.low.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A float32 tensor as bfloat16 (rounded half up, not to even) and the int16 that restores it. */
export function splitHalves(weight: Tensor): { high: Tensor; low: Tensor } {
  return scope(() => {
    const bits = viewDType(weight, "int32");
    const upper = rightShiftScalar(addScalar(bits, 0x8000), 16);
    const low = toDType(sub(bits, leftShiftScalar(upper, 16)), "int16");
    return { high: viewDType(toDType(upper, "int16"), "bfloat16"), low };
  });
}

/** The float32 tensor that `splitHalves` split, bit for bit. */
export function joinHalves(high: Tensor, low: Tensor): Tensor {
  return scope(() => {
    const upper = bitwiseAndScalar(toDType(viewDType(high, "int16"), "int32"), 0xffff);
    return viewDType(add(leftShiftScalar(upper, 16), toDType(low, "int32")), "float32");
  });
}
