import type { AdapterSet } from "../adapters/core/adapter-set.ts";
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
  zero_,
  zeros,
} from "../torch/index.ts";
import { groupBy } from "../util/group-by.ts";

/** The gradients of one dtype, one after another: of `[size, n]`, row r is the part that rank r adds up. */
interface Flat {
  /** This rank's own. */
  readonly sent: Tensor;
  /** In a round, row r is this rank's part of those of rank r; at the end, the sums. */
  readonly received: Tensor;
  /** This rank's part of the sum so far, `[n]`. */
  readonly sum: Tensor;
}

/**
 * Adds up the gradients of micro-batches that several ranks compute, in the order of the micro-batches, so that the sums are to
 * the bit those of one process that computes all of them. After each round, in which every rank computes one, each rank gets its
 * part of all gradients and adds them up in order, while it computes the next; at the end of the step all get all parts. With
 * one round that is no more to send than a ring all-reduce sends. The buffers, in host memory, are as large as the gradients
 * twice, and are reused.
 */
export class GradientExchange implements Disposable {
  private readonly group: ProcessGroup;
  private readonly adapters: AdapterSet;
  private readonly flats: ReadonlyMap<DType, Flat>;
  /** The exchange of the last round. */
  private exchanged: Promise<void> = Promise.resolve();

  constructor(group: ProcessGroup, adapters: AdapterSet) {
    this.group = group;
    this.adapters = adapters;
    const byDType = groupBy(adapters.trainables(), ({ grad }) => grad.dtype);
    this.flats = new Map(
      byDType.map((trainables) => {
        const { dtype } = trainables[0].grad;
        const numel = trainables.reduce((sum, { grad }) => sum + grad.numel, 0);
        const part = Math.ceil(numel / group.size);
        const make = (shape: number[]) => zeros(shape, { dtype, device: "cpu" }).keep();
        const [sent, received] = [make([group.size, part]), make([group.size, part])];
        return [dtype, { sent, received, sum: make([part]) }];
      }),
    );
  }

  /**
   * Begins to add the gradients of a round, one micro-batch of each of the first `count` ranks, once those of the round before are
   * added, and sets the gradients to zero.
   */
  async beginRound(count: number): Promise<void> {
    await this.exchanged;
    if (this.group.rank < count) {
      this.eachGradient("sent", (grad, flat) => copy_(flat, grad));
      this.adapters.zeroGrad();
    }
    this.exchanged = this.exchange(count);
    // If the next micro-batch fails, nobody waits for it.
    this.exchanged.catch(() => {});
  }

  private async exchange(count: number): Promise<void> {
    for (const { sent, received, sum } of this.flats.values()) {
      await this.group.allToAll(sent, received);
      noGrad(() =>
        scope(() => {
          for (let rank = 0; rank < count; rank++) add_(sum, select(received, 0, rank));
        }),
      );
    }
  }

  /** Gives the gradients the sums, on every rank. */
  async finish(): Promise<void> {
    await this.exchanged;
    for (const { sent, received, sum } of this.flats.values()) {
      // Gloo's all-gather takes new memory for all of it each time, which costs more than to send it.
      noGrad(() => copy_(sent, sum));
      await this.group.allToAll(sent, received);
      noGrad(() => zero_(sum));
    }
    this.eachGradient("received", (grad, flat) => copy_(grad, flat));
  }

  /** Visits each gradient and its place among the flat ones, in the gradient's shape. */
  private eachGradient(where: "sent" | "received", visit: (grad: Tensor, flat: Tensor) => unknown): void {
    const used = new Map<DType, number>();
    for (const { grad } of this.adapters.trainables()) {
      const { dtype, numel, shape } = grad;
      const start = used.get(dtype) ?? 0;
      used.set(dtype, start + numel);
      const flat = this.flats.get(dtype);
      if (flat === undefined || numel === 0) continue;
      noGrad(() =>
        scope(() => void visit(grad, view(narrow(view(flat[where], [-1]), 0, start, numel), [...shape]))),
      );
    }
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    for (const tensors of this.flats.values())
      for (const tensor of [tensors.sent, tensors.received, tensors.sum]) tensor.dispose();
  }
}

/** Bytes of the buffers in which so many ranks exchange gradients. */
export function exchangeBytes(adapters: AdapterSet, ranks: number): number {
  const gradients = adapters
    .trainables()
    .reduce((sum, { grad }) => sum + grad.numel * dtypeWidth(grad.dtype), 0);
  return ranks === 1 ? 0 : (2 + 1 / ranks) * gradients;
}
