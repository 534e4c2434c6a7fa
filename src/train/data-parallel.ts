import type { AdapterSet } from "../adapters/core/adapter-set.ts";
import { combineNumbers, gatherTexts, type ProcessGroup, type Tensor } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { GradientExchange } from "./gradient-exchange.ts";
import { requireEqualRanks } from "./require-equal-ranks.ts";

/**
 * The ranks that train one model together. Each has all of it, and the same batches in the same order; of these, item i of
 * a list is computed by rank i mod `size`, in rounds. Everything else of a step is computed by every rank, from equal sums.
 */
export class DataParallel implements Disposable {
  readonly rank: number;
  readonly size: number;
  readonly group: ProcessGroup;
  private readonly adapters: AdapterSet;
  private readonly gradients: GradientExchange;

  constructor(group: ProcessGroup, adapters: AdapterSet) {
    this.rank = group.rank;
    this.size = group.size;
    this.group = group;
    this.adapters = adapters;
    this.gradients = new GradientExchange(group, adapters);
  }

  /**
   * Computes losses with their gradients, which add up in the gradients of the trainables.
   * @param lossOf this rank's forward and backward pass of an item; its gradients add to those that are there, which are zero
   * @returns the losses of all items, in their order
   */
  async accumulate(count: number, lossOf: (index: number) => Tensor): Promise<Float64Array> {
    const losses = new Float64Array(count);
    for (let first = 0; first < count; first += this.size) {
      const own = first + this.rank;
      if (own < count) losses[own] = lossOf(own).item();
      await this.gradients.beginRound(Math.min(this.size, count - first));
    }
    await this.gradients.finish();
    return await combineNumbers(this.group, losses);
  }

  /** Numbers of all items, each computed by one rank. */
  async collect(count: number, compute: (index: number) => number): Promise<number[]> {
    const numbers = new Float64Array(count);
    for (let index = this.rank; index < count; index += this.size) numbers[index] = compute(index);
    return [...(await combineNumbers(this.group, numbers))];
  }

  /** The text that rank 0 gives. @param text on the other ranks, any */
  async share(text: string): Promise<string> {
    return elementAt(await gatherTexts(this.group, text), 0);
  }

  /** @throws ScaloraError `run`, on all ranks, naming what differs, when they do not have the same factors and changed weights */
  async requireEqual(step: number): Promise<void> {
    await requireEqualRanks(this.group, this.adapters, step);
  }

  /** Frees the buffers; the group stays. */
  [Symbol.dispose](): void {
    this.gradients[Symbol.dispose]();
  }
}
