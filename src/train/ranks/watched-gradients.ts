import {
  add_,
  copy_,
  type DType,
  foreachZero_,
  noGrad,
  type ProcessGroup,
  scope,
  type Tensor,
  zeros,
  zerosLike,
} from "../../torch/index.ts";
import { required } from "../../util/elements.ts";

/** A weight whose gradient a step needs, although the weight may not be trained. */
interface Watched {
  readonly leaf: Tensor;
  readonly grad: Tensor;
  /** Of the micro-batches so far, of all ranks. */
  readonly sum: Tensor;
  readonly isTrained: boolean;
}

/**
 * Adds up, in the order of the micro-batches, gradients of weights that only some steps need: all ranks get them one micro-batch
 * after another, so that what is known after each is what one process knows. It sends whole gradients and makes its buffers anew.
 */
export class WatchedGradients implements Disposable {
  private readonly group: ProcessGroup;
  private readonly watched: readonly Watched[];

  /**
   * @param leaves which have gradients, of zeros
   * @param trained tensors whose gradients are also added up by others, who set them to zero
   */
  constructor(group: ProcessGroup, leaves: readonly Tensor[], trained: ReadonlySet<Tensor>) {
    this.group = group;
    this.watched = leaves.map((leaf) => {
      const grad = required(leaf.grad, "the gradient of a watched weight").keep();
      return { leaf, grad, sum: noGrad(() => zerosLike(grad)).keep(), isTrained: trained.has(leaf) };
    });
  }

  /**
   * Adds those of a round, one micro-batch of each of the first `count` ranks, and sets them to zero.
   * @param afterEach called after each micro-batch with its number in the round, and the sums so far
   */
  async addRound(count: number, afterEach: (index: number, sumOf: SumOf) => void): Promise<void> {
    for (let rank = 0; rank < count; rank++) {
      for (const one of this.watched) await this.addFrom(rank, one);
      afterEach(rank, this.sumOf);
    }
    const ended = this.watched.filter(({ isTrained }) => !isTrained);
    if (ended.length > 0) noGrad(() => foreachZero_(ended.map(({ grad }) => grad)));
  }

  private async addFrom(rank: number, { grad, sum }: Watched): Promise<void> {
    using sent = hostTensor(grad.shape, grad.dtype);
    if (rank === this.group.rank) noGrad(() => copy_(sent, grad));
    await this.group.broadcast(sent, rank);
    noGrad(() => scope(() => void add_(sum, copy_(zerosLike(grad), sent))));
  }

  private readonly sumOf: SumOf = (leaf) => this.watched.find((one) => one.leaf === leaf)?.sum;

  /** Gives the gradients the sums, on every rank. */
  finish(): void {
    noGrad(() => {
      for (const { grad, sum } of this.watched) copy_(grad, sum);
    });
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    for (const { grad, sum } of this.watched) for (const tensor of [grad, sum]) tensor.dispose();
  }
}

/** The gradient that a watched weight has so far. */
export type SumOf = (leaf: Tensor) => Tensor | undefined;

const hostTensor = (shape: readonly number[], dtype: DType) =>
  zeros([...shape], { dtype, device: "cpu" }).keep();
