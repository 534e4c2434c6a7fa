import { embedding, narrow, type Tensor } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { baseProduct, FrozenWeight, lowRankProduct } from "./frozen-weight.ts";
import type { RowSlice, WeightShards, WeightSlices } from "./weight-shards.ts";

/** A weight of which each rank keeps some rows. */
export class ShardedTensor extends FrozenWeight implements WeightSlices {
  /** The rows of this rank, `[perRank, in]`; what changes them calls `forget` of the shards before. */
  slice: Tensor;
  readonly own: RowSlice;
  readonly shards: WeightShards;

  /** @param slice as `WeightShards.sliceOf` makes it; this object owns it */
  constructor(shards: WeightShards, name: string, slice: Tensor, [rows, width]: readonly [number, number]) {
    super([rows, width], slice.dtype);
    this.slice = slice;
    this.own = shards.rowsOf(rows);
    this.shards = shards;
    shards.add(name, this);
  }

  slices(): Tensor[] {
    return [this.slice];
  }

  wholes(): Tensor[] {
    return [this.dense()];
  }

  get device(): string {
    return this.slice.device;
  }

  forwardBase(x: Tensor, bias: Tensor | null): Tensor {
    return baseProduct(this.dense(), x, bias);
  }

  forwardLowRank(x: Tensor, ...rest: RestOfProduct): Tensor {
    return lowRankProduct(this.dense(), x, ...rest);
  }

  /** The gathered weight: valid for as long as its block is the one in use. */
  dense(): Tensor {
    return narrow(elementAt(this.shards.gathered(this), 0), 0, 0, this.own.rows);
  }

  rows(indices: Tensor): Tensor {
    return embedding(this.dense(), indices);
  }
}

type RestOfProduct =
  Parameters<FrozenWeight["forwardLowRank"]> extends [Tensor, ...infer Rest] ? Rest : never;
