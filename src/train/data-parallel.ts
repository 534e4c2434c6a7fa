import type { AdapterSet } from "../adapters/core/adapter-set.ts";
import type { Batch } from "../data/types.ts";
import { fromData, gatherTexts, type ProcessGroup, type Tensor } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { GradientExchange } from "./gradient-exchange.ts";
import type { Objective } from "./objective.ts";
import { requireEqualRanks } from "./require-equal-ranks.ts";

type Evaluated = ReturnType<Objective["evaluate"]>;

/**
 * The ranks that train one model together. Each has all of it, and the same batches in the same order; of these, item i of
 * a list is computed by rank i mod `size`, in rounds. Everything else of a step is computed by every rank, from equal sums.
 */
export class DataParallel implements Disposable {
  readonly rank: number;
  readonly size: number;
  private readonly group: ProcessGroup;
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
      await this.gradients.addRound(Math.min(this.size, count - first));
    }
    await this.gradients.finish();
    return await this.combine(losses);
  }

  /** Numbers of all items, each computed by one rank. */
  async collect(count: number, compute: (index: number) => number): Promise<number[]> {
    const numbers = new Float64Array(count);
    for (let index = this.rank; index < count; index += this.size) numbers[index] = compute(index);
    return [...(await this.combine(numbers))];
  }

  /** Evaluates one batch, or none, on each rank. @param round at most as many batches as there are ranks */
  async evaluateRound(round: readonly Batch[], objective: Objective): Promise<Evaluated[]> {
    const own = round[this.rank];
    const mine = own && objective.evaluate(own);
    const hasPredictions = objective.taskType !== "causal-lm";
    const lengths = round.map((batch) => 1 + (hasPredictions ? objective.labelCount(batch) : 0));
    const starts = lengths.map((_, index) => lengths.slice(0, index).reduce((sum, n) => sum + n, 0));
    const numbers = new Float64Array(lengths.reduce((sum, n) => sum + n, 0));
    if (mine) numbers.set([mine.loss, ...(mine.predictions ?? [])], starts[this.rank]);
    const all = await this.combine(numbers);
    return lengths.map((length, index) => {
      const start = elementAt(starts, index);
      const predictions = all.slice(start + 1, start + length);
      return { loss: elementAt(all, start), ...(hasPredictions && { predictions }) };
    });
  }

  /** The number that each rank gives. */
  async gather(number: number): Promise<Float64Array> {
    const numbers = new Float64Array(this.size);
    numbers[this.rank] = number;
    return await this.combine(numbers);
  }

  /** The text that rank 0 gives. @param text on the other ranks, any */
  async share(text: string): Promise<string> {
    return elementAt(await gatherTexts(this.group, text), 0);
  }

  /** @throws ScaloraError `run`, on all ranks, naming what differs, when they do not have the same factors and changed weights */
  async requireEqual(step: number): Promise<void> {
    await requireEqualRanks(this.group, this.adapters, step);
  }

  /** Numbers of which one rank has set each, and the others have left it zero: the sums are exact. */
  private async combine(numbers: Float64Array): Promise<Float64Array> {
    using all = fromData(numbers, [numbers.length], { dtype: "float64", device: "cpu" });
    await this.group.allReduce(all);
    return all.toFloats();
  }

  /** Frees the buffers; the group stays. */
  [Symbol.dispose](): void {
    this.gradients[Symbol.dispose]();
  }
}
