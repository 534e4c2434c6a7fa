import type { AdapterSet } from "../../adapters/core/adapter-set.ts";
import type { TrainableModel } from "../../nn/classifier.ts";
import { isSharded } from "../../nn/index.ts";
import { combineNumbers, gatherTexts, type ProcessGroup, type Tensor } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { DeviceExchange } from "./device-exchange.ts";
import type { GradientExchange } from "./gradient-exchange.ts";
import { HostExchange } from "./host-exchange.ts";
import { requireEqualRanks } from "./require-equal-ranks.ts";
import { type SumOf, WatchedGradients } from "./watched-gradients.ts";

/** Tensors that collect gradients in a step beside the trainables. */
interface WatchedLeaves {
  readonly leaves: readonly Tensor[];
  /** Called after each item, in their order. */
  readonly afterEach: (index: number, sumOf: SumOf) => void;
}

/**
 * The ranks that train one model together. Each has all of it, or a slice of each large weight, and the same batches in the same
 * order; of these, item i of a list is computed by rank i mod `size`, in rounds. Everything else of a step is computed by every
 * rank, from equal sums. Where weights are shared out, a rank without an item computes another's, because its slices are needed.
 */
export class DataParallel implements Disposable {
  readonly rank: number;
  readonly size: number;
  readonly group: ProcessGroup;
  private readonly adapters: AdapterSet;
  private readonly gradients: GradientExchange;
  /** Whether ranks need each other's slices of the weights for every pass. */
  private readonly isSharded: boolean;

  constructor(group: ProcessGroup, adapters: AdapterSet, model: TrainableModel) {
    this.rank = group.rank;
    this.size = group.size;
    this.group = group;
    this.adapters = adapters;
    this.isSharded = isSharded(model);
    const onGpu = adapters.trainables().some(({ grad }) => grad.device.startsWith("cuda"));
    this.gradients = onGpu
      ? new DeviceExchange(group, adapters)
      : new HostExchange(group, adapters, { canOverlap: !this.isSharded });
  }

  /**
   * Computes losses with their gradients, which add up in the gradients of the trainables.
   * @param lossOf this rank's forward and backward pass of an item; its gradients add to those that are there, which are zero. In
   * the last round it may be another rank's item: the sums then take the place of its gradients.
   * @param watched what else collects gradients in this step, and what is done after each item, in their order, with the sums so far
   * @returns the losses of all items, in their order
   */
  async accumulate(
    count: number,
    lossOf: (index: number) => Tensor,
    { leaves = [], afterEach = () => {} }: Partial<WatchedLeaves> = {},
  ): Promise<Float64Array> {
    const losses = new Float64Array(count);
    using watched = this.watch(leaves);
    const rounds = Math.ceil(count / this.size);
    for (let round = 0; round < rounds; round++) {
      const first = round * this.size;
      const inRound = Math.min(this.size, count - first);
      const compute = () => {
        const own = first + this.rank;
        if (own < count) losses[own] = lossOf(own).item();
        else if (this.isSharded) lossOf(first);
      };
      const addWatched = () => watched?.addRound(inRound, (index, sumOf) => afterEach(first + index, sumOf));
      if (round + 1 === rounds && !watched) await this.gradients.finish(inRound, compute);
      else {
        compute();
        await addWatched();
        await (round + 1 === rounds ? this.gradients.finish(inRound) : this.gradients.beginRound());
      }
    }
    watched?.finish();
    return await combineNumbers(this.group, losses);
  }

  private watch(leaves: readonly Tensor[]): WatchedGradients | undefined {
    if (leaves.length === 0) return undefined;
    const trained = new Set(this.adapters.trainables().map(({ value }) => value));
    return new WatchedGradients(this.group, leaves, trained);
  }

  /** Numbers of all items, each computed by one rank. */
  async collect(count: number, compute: (index: number) => number): Promise<number[]> {
    const numbers = new Float64Array(count);
    for (let first = 0; first < count; first += this.size) {
      const own = first + this.rank;
      if (own < count) numbers[own] = compute(own);
      else if (this.isSharded) compute(first);
    }
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
