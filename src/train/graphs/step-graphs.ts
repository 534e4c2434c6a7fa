import type { AdapterSet } from "../../adapters/core/adapter-set.ts";
import { naming } from "../../adapters/core/name-method.ts";
import type { LabelledTokens } from "../../nn/causal-loss.ts";
import { streamLossSum } from "../../nn/causal-loss.ts";
import { type CausalLM, deviceOf } from "../../nn/index.ts";
import * as torch from "../../torch/index.ts";
import { DeviceGraph, type Tensor } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { forwardAndBackward, type PassParts } from "../forward-and-backward.ts";
import { shapeFor } from "./batch-shape.ts";
import { StaticInputs } from "./static-inputs.ts";

/** Shapes whose passes are kept; the one that was used longest ago makes room. */
const mostShapes = 64;

/** The passes of the batches of one shape. */
class ShapePasses implements Disposable {
  readonly inputs: StaticInputs;
  /** The loss of the last replay; there once a pass was computed, which makes a recording possible. */
  loss: Tensor | undefined;
  graph: DeviceGraph | undefined;

  constructor(inputs: StaticInputs) {
    this.inputs = inputs;
  }

  /** Drops the recording, and what it takes to make one. */
  forget(): void {
    this.graph?.dispose();
    this.loss?.dispose();
    this.graph = undefined;
    this.loss = undefined;
  }

  [Symbol.dispose](): void {
    this.forget();
    this.inputs.dispose();
  }
}

/**
 * Forward and backward passes as graphs of the device: batches are padded to few shapes; the first pass of a shape is computed,
 * the second recorded, and from then on it is replayed, without the host's part. Computed and replayed passes call the same
 * operators on the same numbers.
 */
export class StepGraphs implements Disposable {
  /** Passes so far, and how many of them were recorded, and replayed. */
  readonly counts = { passes: 0, recordings: 0, replays: 0 };
  private readonly model: CausalLM;
  private readonly warn: (message: string) => void;
  private readonly most: number;
  /** By shape, in the order of their last use. */
  private readonly kept = new Map<string, ShapePasses>();
  /** The method's when the passes were recorded; undefined where it does not say. */
  private passKey: ReturnType<NonNullable<AdapterSet["passKey"]>>;
  private isGivenUp = false;

  /** @param warn told, once, why nothing is recorded any more */
  constructor(model: CausalLM, warn: (message: string) => void, most = mostShapes) {
    this.model = model;
    this.warn = warn;
    this.most = most;
  }

  /** Whether something could not be recorded: steps are then computed as without graphs. */
  get hasGivenUp(): boolean {
    return this.isGivenUp;
  }

  /**
   * Adds the gradients of a micro-batch, as `forwardAndBackward`.
   * @param labels of the step
   * @param canReplay whether nothing but the batch has changed since the last step
   * @returns its summed loss
   */
  pass(parts: PassParts, batch: LabelledTokens, labels: number, canReplay: boolean): Tensor {
    this.counts.passes++;
    this.forgetOnChange(parts.adapters);
    const passes = this.passesFor(batch);
    passes.inputs.fill(batch, labels);
    return (canReplay ? this.replayed(parts, passes) : undefined) ?? this.computed(parts, passes);
  }

  /** The summed loss of a batch, computed as `pass` computes it, without gradients. */
  lossSum(batch: LabelledTokens): Tensor {
    using inputs = new StaticInputs(shapeFor(batch), deviceOf(this.model));
    inputs.fill(batch, 1);
    return streamLossSum(this.model, inputs.stream(undefined, false));
  }

  /** Warns where most passes were computed, padded for nothing. */
  warnIfRarelyReplayed(): void {
    const { passes, replays } = this.counts;
    if (this.isGivenUp || 2 * replays >= passes) return;
    this.warn(
      `train.cudaGraphs: of ${passes} passes only ${replays} were replayed, because the batches have too many shapes or the method changes its passes: steps may be faster without it`,
    );
  }

  /** Frees the recordings. */
  dispose(): void {
    for (const passes of this.kept.values()) passes[Symbol.dispose]();
    this.kept.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** What a pass takes from the host is in a recording for good: the method says when that has changed. */
  private forgetOnChange(adapters: AdapterSet): void {
    const key = naming(adapters.method, "passKey()", () => adapters.passKey?.());
    if (key !== undefined && key === this.passKey) return;
    this.passKey = key;
    for (const passes of this.kept.values()) passes.forget();
  }

  private passesFor(batch: LabelledTokens): ShapePasses {
    const shape = shapeFor(batch);
    const key = JSON.stringify(shape);
    const passes = this.kept.get(key) ?? new ShapePasses(new StaticInputs(shape, deviceOf(this.model)));
    this.kept.delete(key);
    this.kept.set(key, passes);
    for (const [oldest, unused] of this.kept) {
      if (this.kept.size <= this.most) break;
      unused[Symbol.dispose]();
      this.kept.delete(oldest);
    }
    return passes;
  }

  private replayed(parts: PassParts, passes: ShapePasses): Tensor | undefined {
    if (passes.loss === undefined) return undefined;
    passes.graph ??= this.recorded(parts, passes.inputs, passes.loss);
    if (passes.graph === undefined) return undefined;
    if (passes.graph.replay()) {
      this.counts.replays++;
      return torch.clone(passes.loss);
    }
    passes.forget();
    return undefined;
  }

  /** @returns undefined where something cannot be recorded */
  private recorded(parts: PassParts, inputs: StaticInputs, loss: Tensor): DeviceGraph | undefined {
    if (this.isGivenUp) return undefined;
    const { device } = loss;
    try {
      const graph = DeviceGraph.record(device, () =>
        torch.scope(() => {
          const result = passOf(parts, this.model, inputs, true);
          torch.noGrad(() => torch.copy_(loss, result));
        }),
      );
      this.counts.recordings++;
      return graph;
    } catch (error) {
      if (!(error instanceof ScaloraError) || error.code === "internal") throw error;
      this.giveUp(error);
      return undefined;
    }
  }

  private giveUp({ message }: ScaloraError): void {
    this.isGivenUp = true;
    for (const passes of this.kept.values()) passes.forget();
    this.warn(
      `train.cudaGraphs: steps go on without graphs, because a pass cannot be recorded: ${message.replaceAll(/\s+/g, " ")}`,
    );
  }

  private computed(parts: PassParts, passes: ShapePasses): Tensor {
    const loss = passOf(parts, this.model, passes.inputs, false);
    passes.loss ??= torch.zerosLike(loss).keep();
    return loss;
  }
}

/** Forward and backward pass of what the inputs hold. */
function passOf(parts: PassParts, model: CausalLM, inputs: StaticInputs, isRecorded: boolean): Tensor {
  return forwardAndBackward(parts, {
    sum: (recompute) => streamLossSum(model, inputs.stream(recompute, isRecorded)),
    mean: (sum) => inputs.mean(sum),
  });
}
