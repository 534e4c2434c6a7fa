import type { Trainable } from "../../adapters/core/adapter-set.ts";
import {
  copy_,
  type DType,
  dtypeWidth,
  noGrad,
  type ProcessGroup,
  type SumRound,
  type Tensor,
  zeros,
} from "../../torch/index.ts";
import { zip } from "../../util/elements.ts";
import { type Bucket, makeBuckets, partOf, piecesOf, usualBucketBytes, visitInShape } from "./buckets.ts";
import type { GradientExchange, GradientOwner } from "./gradient-exchange.ts";

/** Where gradients wait to be sent while the next ones are computed, in host memory. */
interface Stage {
  /** A flat copy of each gradient. */
  readonly flats: readonly Tensor[];
  /** This rank's part of the sums so far, by bucket. */
  readonly sums: readonly Tensor[];
}

/**
 * The exchange in host memory, by Gloo. In each round every rank computes one micro-batch; each rank then gets its part of
 * all gradients and adds them up in order, while it computes the next. In the last round it begins with the first bucket that is
 * final, the last layers', while the backward pass goes on, and all ranks get the sums in place of their gradients. With one
 * round that is no more to send than a ring all-reduce sends, and takes no more memory than a bucket. With several, copies of the
 * gradients wait to be sent.
 */
export class HostExchange implements GradientExchange {
  private readonly group: ProcessGroup;
  private readonly adapters: GradientOwner;
  private readonly trainables: readonly Trainable[];
  private readonly buckets: readonly Bucket[];
  /** Room for what the other ranks send of a bucket. */
  private readonly received: Tensor;
  /** Whether gradients can be sent from where they are. */
  private readonly isDirect: boolean;
  private readonly overlapsBackward: boolean;
  private stage: Stage | undefined;
  /** Whether earlier rounds of this step have sums. */
  private hasSums = false;
  /** The exchange of the last round. */
  private exchanged: Promise<void> = Promise.resolve();

  /** @param canOverlap whether no other collective is needed during a backward pass */
  constructor(
    group: ProcessGroup,
    adapters: GradientOwner,
    { canOverlap, bucketBytes = usualBucketBytes }: { canOverlap: boolean; bucketBytes?: number },
  ) {
    this.group = group;
    this.adapters = adapters;
    this.trainables = adapters.trainables();
    this.buckets = makeBuckets(this.trainables, bucketBytes);
    const bytes = this.buckets.map(
      (bucket) => (group.size - 1) * partOf(bucket, group.size) * dtypeWidth(bucket.dtype),
    );
    this.received = zeros([Math.max(0, ...bytes)], { dtype: "uint8", device: "cpu" }).keep();
    this.isDirect = this.trainables.every(({ grad }) => grad.device === "cpu" && grad.isContiguous);
    this.overlapsBackward = canOverlap && this.isDirect && this.trainables.some(isLeaf);
  }

  /**
   * Begins to add the gradients of a round, one micro-batch of each rank, once those of the round before are added, and sets the
   * gradients to zero.
   */
  async beginRound(): Promise<void> {
    await this.exchanged;
    const stage = this.fillStage();
    this.adapters.zeroGrad();
    this.exchanged = this.sum(stage.flats, { count: this.group.size, isLast: false });
    // If the next micro-batch fails, nobody waits for it.
    this.exchanged.catch(() => {});
  }

  /**
   * The last round of a step, of the first `count` ranks: gives the gradients the sums of all rounds, on every rank.
   * @param compute this rank's forward and backward pass, if it is not done yet
   */
  async finish(count: number, compute?: () => void): Promise<void> {
    const round = { count, isLast: true };
    if (compute && this.overlapsBackward) await this.sumDuring(compute, round);
    else {
      compute?.();
      await this.exchanged;
      if (this.isDirect) await this.sum(this.gradients(), round);
      else await this.sumStaged(round);
    }
    this.hasSums = false;
  }

  private async sumDuring(compute: () => void, round: Pick<SumRound, "count" | "isLast">): Promise<void> {
    const leaves = this.trainables.map((trainable) => (isLeaf(trainable) ? trainable.value : undefined));
    const members = this.buckets.map(({ pieces }) => pieces.map(({ trainable }) => trainable));
    const expectation = this.group.expectGradients(leaves, members);
    const summed = this.sum(this.gradients(), round, expectation);
    summed.catch(() => {});
    let isDone = false;
    try {
      compute();
      isDone = true;
    } finally {
      this.group.endGradients(expectation, isDone);
    }
    await this.exchanged;
    await summed;
  }

  private async sumStaged(round: Pick<SumRound, "count" | "isLast">): Promise<void> {
    const { flats } = this.fillStage();
    await this.sum(flats, round);
    visitInShape(zip(this.gradients(), flats), (grad, place) => copy_(grad, place));
  }

  /** @param gradients of the trainables */
  private async sum(
    gradients: readonly Tensor[],
    round: Pick<SumRound, "count" | "isLast">,
    expectation?: number,
  ): Promise<void> {
    const pieces = noGrad(() => this.buckets.map((bucket) => piecesOf(bucket, gradients)));
    const { received, stage, hasSums } = this;
    this.hasSums = true;
    const summed = this.group.sumGradients(
      { pieces, received, sums: stage?.sums },
      { ...round, isFirst: !hasSums, expectation },
    );
    for (const piece of pieces.flat()) piece.dispose();
    await summed;
  }

  private gradients(): Tensor[] {
    return this.trainables.map(({ grad }) => grad);
  }

  /** Copies the gradients. */
  private fillStage(): Stage {
    this.stage ??= {
      flats: this.trainables.map(({ grad }) => hostTensor(grad.numel, grad.dtype)),
      sums: this.buckets.map((bucket) => hostTensor(partOf(bucket, this.group.size), bucket.dtype)),
    };
    visitInShape(zip(this.gradients(), this.stage.flats), (grad, place) => copy_(place, grad));
    return this.stage;
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    const { flats = [], sums = [] } = this.stage ?? {};
    for (const tensor of [this.received, ...flats, ...sums]) tensor.dispose();
  }
}

/** Whether autograd gives the gradient to the trainable itself, at once; a stack of adapters gets it layer by layer. */
const isLeaf = ({ value }: Trainable) => value.requiresGrad;

const hostTensor = (numel: number, dtype: DType) => zeros([numel], { dtype, device: "cpu" }).keep();

/**
 * Bytes of the buffers in which so many ranks exchange gradients.
 * @param microBatches of a step, over all ranks
 */
export function hostExchangeBytes(adapters: GradientOwner, ranks: number, microBatches: number): number {
  if (ranks === 1) return 0;
  const gradients = adapters
    .trainables()
    .reduce((sum, { grad }) => sum + grad.numel * dtypeWidth(grad.dtype), 0);
  const received = (1 - 1 / ranks) * Math.min(gradients, usualBucketBytes);
  return received + (microBatches > ranks ? (1 + 1 / ranks) * gradients : 0);
}
