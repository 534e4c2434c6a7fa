import type { Tensor } from "../../torch/index.ts";
import type { Json } from "../../util/json.ts";

/**
 * One tensor that the optimiser moves: a single parameter, or a bank of equal parameters stacked along the
 * first dimension. `grad` has the shape of `value` and is always allocated: autograd accumulates into it.
 */
export interface Trainable {
  /** Unique within the adapter set; checkpoints name moments after it. */
  readonly name: string;
  readonly value: Tensor;
  readonly grad: Tensor;
  /** Whether weight decay applies (not to norms and biases). */
  readonly decay: boolean;
  /** What the learning rate is multiplied by for this one; default 1. */
  readonly lrFactor?: number;
  /** Names of the slices along the first dimension of a bank, for messages; absent on a single parameter. */
  readonly slices?: readonly string[];
}

/** The optimiser's running averages of one trainable; changing them in place changes the optimiser. */
export interface Moments {
  /** First moment (AdamW) or momentum buffer (SGD). */
  readonly expAvg: Tensor;
  /** Second moment; only of optimisers that keep one. */
  readonly expAvgSq?: Tensor;
  /** How many steps the averages have seen, for their bias correction; of optimisers that correct. */
  readonly steps?: Tensor;
}

/** What the hooks of a step may know. Steps count from 1; learning rates are per step, not per token. */
export interface StepContext {
  readonly step: number;
  readonly warmupSteps: number;
  readonly peakLr: number;
  readonly lr: number;
  moments(name: string): Moments | undefined;
}

/** What a hook did, as plain data for the run's events. */
export type EventReport = { readonly [field: string]: Json };

/** A model's trainable part under one method, and everything training, checkpoints and export ask of it. */
export interface AdapterSet {
  readonly method: string;
  /**
   * Whether a step measures its loss also after its event: where the forward sees a rounded base an event moves it, and
   * one more forward pass now and then tells by how much.
   */
  measuresEvent?(step: StepContext): boolean;
  /** Whether a step has a scaling event; methods without such events do not say. */
  hasEvent?(step: Pick<StepContext, "step" | "warmupSteps">): boolean;
  trainables(): readonly Trainable[];
  /** What the schedule's learning rate is multiplied by at a step; 1 where there is no such method. */
  lrFactor?(step: number): number;
  /** Before a step's first forward pass. */
  beforeForward?(step: StepContext): void;
  /** After backward (and gradient all-reduce) with every gradient finite, before clipping. */
  beforeClip?(step: StepContext): EventReport | undefined;
  /** After the optimiser's step. */
  afterStep?(step: StepContext): void;
  zeroGrad(): void;
  parameterCounts(): { readonly trainable: number; readonly all: number };
  /** The effective weight of an adapted layer, a new tensor `[out, in]`; float32 unless asked for in float64. */
  mergedWeight(path: string, dtype?: "float32" | "float64"): Tensor;
  adaptedPaths(): readonly string[];
  /**
   * Writes the adapter alone as a PEFT folder, for `baseModel`.
   * @throws ScaloraError `usage` when the adapter alone is not what was learnt, or nothing reads it
   */
  saveAdapter(folder: string, baseModel: string): void;
  /** Everything a checkpoint must hold, changed base weights included. The tensors stay the adapter set's. */
  state(): Map<string, Tensor>;
  /** Takes a state back; `read` fails on a name it does not have. The tensors read stay the caller's. */
  loadState(read: (name: string) => Tensor): void;
  /** Numbers that are not tensors (events so far, skipped layers): plain data for a checkpoint. */
  counters(): Json;
  loadCounters(counters: Json): void;
  /** Frees gradients and factors. The model keeps its weights, and layers lose their adapters. */
  dispose(): void;
}
