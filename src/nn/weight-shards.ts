import { createHash } from "node:crypto";
import {
  copy_,
  type DType,
  dtypeWidth,
  empty,
  narrow,
  noGrad,
  type ProcessGroup,
  reshape,
  scope,
  slice as strided,
  type Tensor,
  viewDType,
  visitBytes,
  zeros,
} from "../torch/index.ts";
import { elementAt, required, zip } from "../util/elements.ts";

/** The rows that one rank keeps of a tensor whose rows are shared out. */
export interface RowSlice {
  /** Rows of the whole. */
  readonly rows: number;
  /** Index of the first of this rank's. */
  readonly first: number;
  readonly count: number;
  /** Rows of the slice on every rank; those beyond `count` are zeros. */
  readonly perRank: number;
}

/** The ranks between which weights are shared out. */
export type ShardGroup = Pick<ProcessGroup, "rank" | "size" | "beginGather" | "awaitGather">;

/** What a weight that is shared out keeps in this process; tensors of the same shapes on every rank. */
export interface WeightSlices {
  /** Number of values of the whole. */
  readonly numel: number;
  slices(): readonly Tensor[];
  /** The whole of each, gathered: tensors of the present scope. */
  wholes(): readonly Tensor[];
}

/** The weights that are gathered together: those of a block, or one that goes over the vocabulary. */
interface Unit {
  readonly index: number;
  readonly isBlock: boolean;
  readonly weights: WeightSlices[];
  /** Where what is gathered of each slice begins in a buffer, in bytes; known once all weights are there. */
  starts: ReadonlyMap<WeightSlices, readonly number[]> | undefined;
}

/** Memory for one unit at a time. */
interface GatherBuffer {
  readonly isForBlocks: boolean;
  bytes: Tensor | undefined;
  unit: Unit | undefined;
  /** Number of the gather that writes to it. */
  gather: number | undefined;
  /** When it was last used. */
  used: number;
}

/** Places of slices begin at multiples of so many bytes, as tensors of libtorch do, so that products round as theirs. */
const alignment = 64;

/** The least number of values that a rank keeps of a weight; smaller ones are not worth a gather. */
const leastValues = 512;

/** Values of each tensor that tell one model from another. */
const sampledValues = 1024;

/** The block of a parameter's name. */
const blockOf = /^(?:.*\.)?layers?\.\d+(?=\.)/;

/**
 * Weights of which each rank keeps a slice. The whole of a weight is gathered with those of its block when it is first used, into
 * one of two buffers, while the next block, in the direction of the pass, is gathered into the other. So only one block at a time
 * can be used, and passes with gradients must recompute (`RecomputedPass`). Weights over the vocabulary have a third buffer. Every
 * rank must use the same weights in the same order.
 */
export class WeightShards implements Disposable {
  private readonly group: ShardGroup;
  /** By block, or by the name of a weight over the vocabulary, in the order in which passes use them. */
  private readonly units = new Map<string, Unit>();
  private readonly unitOf = new Map<WeightSlices, Unit>();
  private readonly buffers: readonly GatherBuffer[] = [true, true, false].map((isForBlocks) => ({
    isForBlocks,
    bytes: undefined,
    unit: undefined,
    gather: undefined,
    used: 0,
  }));
  private current: Unit | undefined;
  private clock = 0;
  private readonly samples = createHash("sha256");

  constructor(group: ShardGroup) {
    this.group = group;
  }

  /** Whether a weight is worth sharing out. */
  isWorthwhile(shape: readonly number[]): boolean {
    return shape.reduce((product, extent) => product * extent, 1) >= leastValues * this.group.size;
  }

  /** The rows of this rank, of so many. */
  rowsOf(rows: number): RowSlice {
    const perRank = Math.ceil(rows / this.group.size);
    const first = Math.min(this.group.rank * perRank, rows);
    return { rows, first, count: Math.min(perRank, rows - first), perRank };
  }

  /** This rank's slice of a tensor, a copy that the caller owns. @returns `[perRank, …]` */
  sliceOf(whole: Tensor, { dtype, device }: { dtype: DType; device: string } = whole): Tensor {
    this.sample(whole);
    const [rows = 0, ...rest] = whole.shape;
    const { first, count, perRank } = this.rowsOf(rows);
    const slice = zeros([perRank, ...rest], { dtype, device }).keep();
    noGrad(() => scope(() => void copy_(narrow(slice, 0, 0, count), narrow(whole, 0, first, count))));
    return slice;
  }

  /** Hash of evenly spaced values of all tensors of which slices were taken: another model's differ everywhere. */
  sampleHash(): string {
    return this.samples.copy().digest("hex");
  }

  private sample(whole: Tensor): void {
    noGrad(() =>
      scope(() => {
        const step = 1 + Math.floor(whole.numel / sampledValues);
        const values = strided(reshape(whole, [-1]), { step });
        visitBytes(values, (bytes) => this.samples.update(bytes));
      }),
    );
  }

  /** Adds a weight, in the order in which passes use them. @param name its name in the model */
  add(name: string, weight: WeightSlices): void {
    const block = blockOf.exec(name)?.[0];
    const key = block ?? name;
    const unit = this.units.get(key) ?? {
      index: this.units.size,
      isBlock: block !== undefined,
      weights: [],
      starts: undefined,
    };
    this.units.set(key, unit);
    unit.weights.push(weight);
    this.unitOf.set(weight, unit);
  }

  /** What all ranks keep of a weight: of each slice `[n, …]` a tensor `[size · n, …]` of the present scope. */
  gathered(weight: WeightSlices): Tensor[] {
    const unit = required(this.unitOf.get(weight), "a weight that is shared out");
    const bytes = required(this.use(unit).bytes, "the buffer of a unit");
    return this.places(unit, weight, bytes).map(({ slice, place }) =>
      reshape(viewDType(place, slice.dtype), [-1, ...slice.shape.slice(1)]),
    );
  }

  /** What is gathered together, in the order in which passes use it: values, and bytes of the whole of each slice. */
  sizes(): { isBlock: boolean; values: number; bytes: number[] }[] {
    return [...this.units.values()].map(({ isBlock, weights }) => ({
      isBlock,
      values: weights.reduce((sum, { numel }) => sum + numel, 0),
      bytes: weights.flatMap((weight) => weight.slices().map((slice) => this.gatheredBytes(slice))),
    }));
  }

  /** Must be called before slices of weights change: they are gathered again when they are used next. */
  forget(weights: readonly WeightSlices[]): void {
    const changed = new Set(weights.map((weight) => this.unitOf.get(weight)));
    for (const buffer of this.buffers) {
      if (!changed.has(buffer.unit)) continue;
      this.finish(buffer);
      buffer.unit = undefined;
    }
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    for (const { bytes } of this.buffers) bytes?.dispose();
  }

  /** The buffer that holds a unit; when another one is used than before, the next one begins to be gathered. */
  private use(unit: Unit): GatherBuffer {
    const buffer = this.holding(unit) ?? this.begin(unit);
    this.finish(buffer);
    buffer.used = ++this.clock;
    const before = this.current;
    if (unit === before) return buffer;
    this.current = unit;
    // From one end of the vocabulary to the other begins a new pass.
    const isBackward = before !== undefined && unit.index < before.index && (unit.isBlock || before.isBlock);
    const next = [...this.units.values()][unit.index + (isBackward ? -1 : 1)];
    if (next && !this.holding(next)) this.begin(next);
    return buffer;
  }

  private holding(unit: Unit): GatherBuffer | undefined {
    return this.buffers.find((buffer) => buffer.unit === unit);
  }

  /** Begins to gather a unit, into the buffer of its kind that was not used for longest. */
  private begin(unit: Unit): GatherBuffer {
    const [oldest] = this.buffers
      .filter(({ isForBlocks }) => isForBlocks === unit.isBlock)
      .sort((a, b) => a.used - b.used);
    const buffer = required(oldest, "a buffer");
    this.finish(buffer);
    buffer.unit = undefined;
    const bytes = buffer.bytes ?? this.allocate(unit.isBlock);
    buffer.bytes = bytes;
    buffer.gather = scope(() => {
      const places = unit.weights.flatMap((weight) => this.places(unit, weight, bytes));
      return this.group.beginGather(
        places.map(({ slice }) => slice),
        places.map(({ place }) => place),
      );
    });
    buffer.unit = unit;
    buffer.used = ++this.clock;
    return buffer;
  }

  /** Waits for what writes to a buffer. */
  private finish(buffer: GatherBuffer): void {
    const { gather } = buffer;
    if (gather === undefined) return;
    buffer.gather = undefined;
    try {
      this.group.awaitGather(gather);
    } catch (error) {
      buffer.unit = undefined;
      throw error;
    }
  }

  /** The slices of a weight, and where they are gathered to, as bytes. */
  private places(unit: Unit, weight: WeightSlices, bytes: Tensor) {
    unit.starts ??= this.layOut(unit).starts;
    return zip(weight.slices(), unit.starts.get(weight) ?? []).map(([slice, start]) => ({
      slice,
      place: narrow(bytes, 0, start, this.gatheredBytes(slice)),
    }));
  }

  private layOut({ weights }: Unit): { starts: Map<WeightSlices, number[]>; end: number } {
    let end = 0;
    const place = (slice: Tensor) => {
      const start = end;
      end += Math.ceil(this.gatheredBytes(slice) / alignment) * alignment;
      return start;
    };
    return { starts: new Map(weights.map((weight) => [weight, weight.slices().map(place)])), end };
  }

  private gatheredBytes({ numel, dtype }: Tensor): number {
    return this.group.size * numel * dtypeWidth(dtype);
  }

  /** Memory for the largest unit of a kind. */
  private allocate(isBlock: boolean): Tensor {
    const units = [...this.units.values()].filter((unit) => unit.isBlock === isBlock);
    const bytes = Math.max(...units.map((unit) => this.layOut(unit).end));
    const slices = units.flatMap(({ weights }) => weights.flatMap((weight) => weight.slices()));
    return empty([bytes], { dtype: "uint8", device: elementAt(slices, 0).device }).keep();
  }
}
