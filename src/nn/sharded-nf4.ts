import { narrow, type Tensor } from "../torch/index.ts";
import { mapTuple, takeFirst, zip } from "../util/elements.ts";
import { Nf4Base, type Nf4Parts, type Nf4Weight } from "./nf4.ts";
import type { WeightShards, WeightSlices } from "./weight-shards.ts";

/** A weight in NF4 of whose codes and scales each rank keeps a part; the scales of scales, 0.002 bits a value, are on all. */
export class ShardedNf4Weight extends Nf4Base implements WeightSlices {
  readonly packed: Tensor;
  readonly absmax: Tensor;
  readonly nested_absmax: Tensor;
  readonly offset: Tensor;
  readonly levels: Tensor;
  readonly scales: Tensor;
  private readonly lengths: readonly [packed: number, absmax: number];
  private readonly shards: WeightShards;

  /** @param whole which becomes this object, and must not be used any more */
  constructor(shards: WeightShards, name: string, whole: Nf4Weight) {
    super(whole.shape, whole.dtype);
    const parts = [whole.packed, whole.absmax] as const;
    this.lengths = mapTuple(parts, ({ numel }) => numel);
    [this.packed, this.absmax] = mapTuple(parts, (part) => shards.sliceOf(part));
    for (const part of parts) part.dispose();
    ({
      nested_absmax: this.nested_absmax,
      offset: this.offset,
      levels: this.levels,
      scales: this.scales,
    } = whole);
    this.shards = shards;
    shards.add(name, this);
  }

  slices(): Tensor[] {
    return [this.packed, this.absmax];
  }

  wholes(): Tensor[] {
    return zip(this.shards.gathered(this), this.lengths).map(([part, length]) => narrow(part, 0, 0, length));
  }

  get device(): string {
    return this.packed.device;
  }

  protected parts(): Nf4Parts {
    const [packed, absmax] = takeFirst(this.wholes(), 2);
    return [packed, absmax, this.nested_absmax, this.offset, this.levels, this.scales];
  }
}
