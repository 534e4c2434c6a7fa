import type { Trainable } from "../../adapters/core/adapter-set.ts";
import {
  add_,
  copy_,
  type DType,
  dtypeWidth,
  narrow,
  noGrad,
  type ProcessGroup,
  scope,
  select,
  type Tensor,
  view,
  zeros,
} from "../../torch/index.ts";
import { elementAt, required, zip } from "../../util/elements.ts";
import { type Bucket, makeBuckets, partOf, usualBucketBytes, visitInShape } from "./buckets.ts";
import type { GradientExchange, GradientOwner } from "./gradient-exchange.ts";

/** The memory through which the buckets of a dtype go, one after another; flat, for the largest. */
interface Room {
  /** A row for each rank. */
  readonly sent: Tensor;
  /** A row from each rank. */
  readonly received: Tensor;
  readonly sum: Tensor;
}

/**
 * The exchange on a GPU, by NCCL. One bucket after another each rank gets its part from the others and adds up in their order, and
 * all get the sums. The host waits for no result; no pass is computed meanwhile.
 */
export class DeviceExchange implements GradientExchange {
  private readonly group: ProcessGroup;
  private readonly adapters: GradientOwner;
  private readonly trainables: readonly Trainable[];
  private readonly buckets: readonly Bucket[];
  private readonly rooms: ReadonlyMap<DType, Room>;
  /** Flat copies of the gradients that are not contiguous, by trainable. */
  private readonly flats: ReadonlyMap<number, Tensor>;
  /** This rank's part of the sums so far, by bucket; made in the first step of several rounds. */
  private sums: readonly Tensor[] = [];
  /** Whether earlier rounds of this step have sums. */
  private hasSums = false;

  constructor(group: ProcessGroup, adapters: GradientOwner, bucketBytes = usualBucketBytes) {
    this.group = group;
    this.adapters = adapters;
    this.trainables = adapters.trainables();
    this.buckets = makeBuckets(this.trainables, bucketBytes);
    this.flats = new Map(
      [...this.trainables.entries()].flatMap(([index, { grad }]) =>
        grad.isContiguous ? [] : [[index, this.zeros(grad.numel, grad.dtype)]],
      ),
    );
    const dtypes = new Set(this.buckets.map(({ dtype }) => dtype));
    this.rooms = new Map([...dtypes].map((dtype) => [dtype, this.makeRoom(dtype)]));
  }

  async beginRound(): Promise<void> {
    if (this.sums.length === 0)
      this.sums = this.buckets.map((bucket) => this.zeros(this.part(bucket), bucket.dtype));
    visitInShape(this.flatPairs(), (grad, flat) => copy_(flat, grad));
    for (const [bucket, sum] of zip(this.buckets, this.sums)) await this.addUp(bucket, this.group.size, sum);
    this.hasSums = true;
    this.adapters.zeroGrad();
  }

  async finish(count: number, compute?: () => void): Promise<void> {
    compute?.();
    visitInShape(this.flatPairs(), (grad, flat) => copy_(flat, grad));
    for (const [index, bucket] of this.buckets.entries()) {
      const room = this.roomOf(bucket);
      using sum = noGrad(() =>
        narrow(this.hasSums ? elementAt(this.sums, index) : room.sum, 0, 0, this.part(bucket)),
      );
      await this.addUp(bucket, count, sum);
      using sums = await this.group.allGather(sum);
      this.eachPiece(bucket, sums, (piece, place) => copy_(piece, place));
    }
    visitInShape(this.flatPairs(), (grad, flat) => copy_(grad, flat));
    this.hasSums = false;
  }

  /** Adds this rank's part of a bucket, of the first `count` ranks, to the sum of earlier rounds, if there are any. */
  private async addUp(bucket: Bucket, count: number, sum: Tensor): Promise<void> {
    const room = this.roomOf(bucket);
    using sent = this.rows(bucket, room.sent);
    using received = this.rows(bucket, room.received);
    this.eachPiece(bucket, sent, (piece, place) => copy_(place, piece));
    await this.group.allToAll(sent, received);
    noGrad(() =>
      scope(() => {
        for (let rank = 0; rank < count; rank++) {
          const term = select(received, 0, rank);
          if (rank === 0 && !this.hasSums) copy_(sum, term);
          else add_(sum, term);
        }
      }),
    );
  }

  /** Visits each piece of the gradients and its place in the rows of a bucket. */
  private eachPiece(bucket: Bucket, rows: Tensor, visit: (piece: Tensor, place: Tensor) => unknown): void {
    noGrad(() =>
      scope(() => {
        const flat = view(rows, [-1]);
        let start = 0;
        for (const { trainable, start: from, length } of bucket.pieces) {
          const whole = this.flats.get(trainable) ?? view(elementAt(this.trainables, trainable).grad, [-1]);
          visit(narrow(whole, 0, from, length), narrow(flat, 0, start, length));
          start += length;
        }
      }),
    );
  }

  /** Each gradient that is not contiguous, and its copy. */
  private flatPairs(): (readonly [Tensor, Tensor])[] {
    return [...this.flats].map(([index, flat]) => [elementAt(this.trainables, index).grad, flat]);
  }

  /** `[size, part]`, in the memory of a room. */
  private rows(bucket: Bucket, memory: Tensor): Tensor {
    const part = this.part(bucket);
    const { size } = this.group;
    return noGrad(() => scope(() => view(narrow(memory, 0, 0, size * part), [size, part]).keep()));
  }

  private roomOf({ dtype }: Bucket): Room {
    return required(this.rooms.get(dtype), "memory for a bucket");
  }

  private makeRoom(dtype: DType): Room {
    const part = Math.max(...this.buckets.filter((one) => one.dtype === dtype).map((one) => this.part(one)));
    const whole = () => this.zeros(this.group.size * part, dtype);
    return { sent: whole(), received: whole(), sum: this.zeros(part, dtype) };
  }

  private zeros(numel: number, dtype: DType): Tensor {
    return zeros([numel], { dtype, device: elementAt(this.trainables, 0).grad.device }).keep();
  }

  private part(bucket: Bucket): number {
    return partOf(bucket, this.group.size);
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    const rooms = [...this.rooms.values()].flatMap(({ sent, received, sum }) => [sent, received, sum]);
    for (const tensor of [...rooms, ...this.sums, ...this.flats.values()]) tensor.dispose();
  }
}

/**
 * Bytes of a GPU's memory in which so many ranks exchange gradients.
 * @param microBatches of a step, over all ranks
 */
export function deviceExchangeBytes(adapters: GradientOwner, ranks: number, microBatches: number): number {
  if (ranks === 1) return 0;
  const trainables = adapters.trainables();
  const parts = makeBuckets(trainables, usualBucketBytes).map(
    (bucket) => partOf(bucket, ranks) * dtypeWidth(bucket.dtype),
  );
  const flats = trainables.map(({ grad }) => (grad.isContiguous ? 0 : grad.numel * dtypeWidth(grad.dtype)));
  const sum = (bytes: readonly number[]) => bytes.reduce((total, each) => total + each, 0);
  // What is sent, received and gathered of the largest bucket, and its sum.
  const room = (3 * ranks + 1) * Math.max(0, ...parts);
  return room + sum(flats) + (microBatches > ranks ? sum(parts) : 0);
}
