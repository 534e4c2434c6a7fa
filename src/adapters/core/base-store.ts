import { type FrozenDelta, type RowSlice, ShardedTensor } from "../../nn/index.ts";
import {
  add,
  addmm_,
  addScalar,
  baddbmm_,
  bitwiseAndScalar,
  cat,
  copy_,
  detach,
  empty,
  leftShiftScalar,
  narrow,
  noGrad,
  rightShiftScalar,
  scope,
  select,
  sub,
  type Tensor,
  toDType,
  transpose,
  viewDType,
  zeros,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { internalError, ScaloraError } from "../../util/errors.ts";
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
  /** The rows of its weights that `state` has, for stores of weights that are shared out between ranks. */
  readonly ownRows?: RowSlice | undefined;
  /** Before values are written into the tensors of `state`. */
  beforeLoading?(): void;
  /** After that. */
  restored?(): void;
  /** Frees the store; the layers keep views of it, which must be gone or go too. */
  dispose(): void;
}

/** Gives each layer its part of a stack in place of the weight, or the rows of it, that it had, which are freed. */
function moveWeights(
  stack: Tensor,
  layers: readonly NamedLinear[],
  copyFrom: (slot: Tensor, weight: Tensor) => void,
): void {
  noGrad(() => {
    layers.forEach(({ linear }, index) => {
      scope(() => {
        const slot = select(stack, 0, index);
        copyFrom(slot, linear.ownWeight());
        linear.moveOwnWeight(detach(slot).keep());
      });
    });
  });
}

/** What this process keeps of the weights of a bank: all of each or, where they are shared out, its rows. */
class OwnRows {
  /** `[L, m, n]` of what is kept. */
  readonly shape: readonly number[];
  readonly slice: RowSlice | undefined;
  private readonly sharded: readonly ShardedTensor[];

  /** @throws ScaloraError `config` where some of the weights are shared out and others are not */
  constructor(layers: readonly NamedLinear[]) {
    const weights = layers.map(({ linear }) => linear.weight);
    const sharded = weights.filter((weight) => weight instanceof ShardedTensor);
    const [first] = sharded;
    if (first !== undefined && sharded.length < weights.length)
      throw new ScaloraError("config", "Of layers of equal shape, some are shared out between processes", {
        where: "train.shardBase",
        found: layers.map(({ path }) => path).join(", "),
        fix: "adapt only one kind of them (adapter.exclude), or leave train.shardBase out",
      });
    this.sharded = sharded;
    this.slice = first?.own;
    this.shape = [layers.length, ...elementAt(layers, 0).linear.ownWeight().shape];
  }

  /** The rows to be added to what is kept. @param left `[L, m, k]` of all rows */
  of(left: Tensor): Tensor {
    if (this.slice === undefined) return left;
    const { first, count, perRank } = this.slice;
    const own = narrow(left, 1, first, count);
    if (count === perRank) return own;
    const { dtype, device } = left;
    const missing = zeros([left.size(0), perRank - count, left.size(2)], { dtype, device });
    return cat([own, missing], { dim: 1 });
  }

  /** To be called before the weights change. */
  beforeChange(): void {
    this.sharded[0]?.shards.forget(this.sharded);
  }

  /** @throws ScaloraError `internal` where no process has the whole weights */
  requireAll(): void {
    if (this.slice) throw internalError("the weights are shared out between ranks");
  }
}

/** Weights in float32 (or float64): the forward sees every merge. */
export class ExactBase implements BaseStore {
  readonly ownRows: RowSlice | undefined;
  private readonly weights: Tensor;
  private readonly own: OwnRows;

  constructor(layers: readonly NamedLinear[]) {
    this.own = new OwnRows(layers);
    this.ownRows = this.own.slice;
    const { weight } = elementAt(layers, 0).linear;
    const dtype = weight.dtype === "float64" ? "float64" : "float32";
    this.weights = empty(this.own.shape, { dtype, device: weight.device }).keep();
    moveWeights(this.weights, layers, copy_);
  }

  merge(left: Tensor, right: Tensor): undefined {
    this.own.beforeChange();
    noGrad(() => scope(() => void baddbmm_(this.weights, this.own.of(left), transpose(right, 1, 2))));
  }

  isLossy(): boolean {
    return false;
  }

  weight(index: number): Tensor {
    this.own.requireAll();
    return scope(() => toDType(select(this.weights, 0, index), this.weights.dtype, { copy: true }));
  }

  state(): Map<string, Tensor> {
    return new Map([["base", this.weights]]);
  }

  beforeLoading(): void {
    this.own.beforeChange();
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
  readonly ownRows: RowSlice | undefined;
  private readonly high: Tensor;
  private readonly low: Tensor;
  private readonly own: OwnRows;

  constructor(layers: readonly NamedLinear[]) {
    this.own = new OwnRows(layers);
    this.ownRows = this.own.slice;
    const { shape } = this.own;
    const { device } = elementAt(layers, 0).linear.weight;
    this.high = empty(shape, { dtype: "bfloat16", device }).keep();
    this.low = empty(shape, { dtype: "int16", device }).keep();
    let index = 0;
    moveWeights(this.high, layers, (_, old) => this.write(index++, toDType(old, "float32")));
  }

  merge(left: Tensor, right: Tensor): undefined {
    this.own.beforeChange();
    const layers = this.high.size(0);
    noGrad(() =>
      scope(() => {
        const own = this.own.of(left);
        for (let index = 0; index < layers; index++)
          scope(() => {
            const transposed = transpose(select(right, 0, index), 0, 1);
            this.write(index, addmm_(this.joined(index), select(own, 0, index), transposed));
          });
      }),
    );
  }

  isLossy(): boolean {
    return true;
  }

  weight(index: number): Tensor {
    this.own.requireAll();
    return this.joined(index);
  }

  private joined(index: number): Tensor {
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

  beforeLoading(): void {
    this.own.beforeChange();
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
