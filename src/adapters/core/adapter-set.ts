import type { RowSlice } from "../../nn/index.ts";
import type { MethodReport } from "../../run/method-report.ts";
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
  /** Whether weight decay applies: to all but norms and biases, as in transformers' Trainer. */
  readonly decay: boolean;
  /** Factor of the learning rate for this trainable; default 1. */
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
  /** Number of steps in the averages, one for all or one for each slice of a bank; only of optimisers that correct their bias. */
  readonly steps?: Tensor;
  /** Counts the steps of each slice of a bank by itself from now on; returns these counts `[L]`, which are `steps`. */
  stepsBySlice?(): Tensor;
}

/** What the hooks of a step may know. Steps count from 1; learning rates are per step, not per token. */
export interface StepContext {
  readonly step: number;
  readonly warmupSteps: number;
  readonly peakLr: number;
  readonly lr: number;
  /** The optimiser's averages of a trainable; undefined where it keeps none. */
  moments(name: string): Moments | undefined;
}

/** What a hook did, as plain data for the run's record. A method may add fields of its own. */
export type EventReport = MethodReport;

/** A method's own part in a training step. */
export interface StepHooks {
  /** Factor of the schedule's learning rate at a step; steps count from 1. */
  lrFactor(step: number): number;
  /** Before a step's first forward pass. */
  beforeForward(step: StepContext): void;
  /**
   * After backward (and gradient all-reduce) with every gradient finite, before clipping.
   * @returns what the method did, for the run's events
   */
  beforeClip(step: StepContext): EventReport | undefined;
  /**
   * Whether a step also measures its loss after `beforeClip`: an event changes the loss where the forward pass uses a rounded
   * base, and an occasional extra forward pass shows by how much.
   */
  measuresEvent(step: StepContext): boolean;
  /**
   * After `beforeForward`: tensors beyond the trainables whose gradients `beforeClip` reads. They have gradients, of zeros, to which
   * autograd adds; several processes add them up as they do those of the trainables.
   */
  watched?(): readonly Tensor[];
}

/** Hooks that do nothing. */
export const defaultStepHooks: Readonly<StepHooks> = {
  lrFactor: () => 1,
  beforeForward: () => {},
  beforeClip: () => undefined,
  measuresEvent: () => false,
};

/** What analyses ask of a method whose layers are adapted by two factors A `[m, r]` and B `[n, r]`. */
export interface LowRankLayers {
  /** r of a layer. */
  rank(path: string): number;
  /**
   * The gradient that a layer's A and B get theirs from, as s·G·B and s·Gᵀ·A: G itself unless the method has more between the
   * factors and the weight.
   * @param gradient G, of the effective weight `[m, n]`
   */
  factorGradient(path: string, gradient: Tensor): Tensor;
  /** A `[m, r]` and B `[n, r]` of a layer as they are, for the caller to read; absent where a method does not show them. */
  factors?(path: string): { readonly A: Tensor; readonly B: Tensor };
}

/** What is known of the full gradient G of a layer. */
export interface GradientSize {
  /** ‖G‖²_F */
  readonly energy: number;
  /** The share of it in the leading 2r singular directions. */
  readonly share: number;
}

/** Distances ‖G/L − η s² (G B̃B̃ᵀ + ÃÃᵀG)‖_F, relative to ‖G/L‖_F (1: no step at all). L is the Lipschitz constant that ρ implies. */
export interface Distances {
  /** With the factors as they are. */
  readonly unscaled: number;
  /** With the factors that the event chooses. */
  readonly chosen: number;
  /** The smallest distance that an adapter of this rank can have (Theorem 3.2, by Eckart and Young). */
  readonly optimum: number;
}

/** A layer at a scaling event, before the event is applied. */
export interface LayerScalingPreview {
  readonly path: string;
  /** How the factors are chosen. */
  readonly branch: string;
  /** The branch that each policy would take. */
  readonly branches: { readonly default: string; readonly paper: string; readonly scalar: string };
  /** What the columns of A and B are multiplied by, `[r]` each; absent where an event replaces the factors. */
  readonly factors: { readonly alpha: Float64Array; readonly beta: Float64Array } | undefined;
  /** Absent where nothing is known of the full gradient, or it is zero. */
  readonly distances: Distances | undefined;
}

/** What analyses ask of a method with scaling events. */
export interface ScalingEvents {
  /** Whether a step has one. */
  hasEvent(step: Pick<StepContext, "step" | "warmupSteps">): boolean;
  /**
   * What the event of this step is about to do, layer by layer, changing nothing; to be asked after backward and before the
   * event.
   * @param gradientOf what is known of a layer's full gradient
   */
  preview(
    step: StepContext,
    gradientOf: (path: string) => GradientSize | undefined,
  ): readonly LayerScalingPreview[];
}

/** The base of a method that merges into it as it trains, and the factors that belong to it as it is now. */
export interface ChangedBase {
  /** The exact weight `[out, in]` that the factors of a layer are put on; float32 or wider. */
  weight(path: string): Tensor;
  /** Writes the factors as a PEFT folder, for a model with these weights. */
  saveAdapter(folder: string, baseModel: string): void;
}

/**
 * A model's trainable part under one method, and everything training, checkpoints, analysis and export ask of it. What only
 * some methods can is a property that the others leave undefined.
 */
export interface AdapterSet extends StepHooks, Disposable {
  readonly method: string;
  /** Whether the model's own weights are trained instead of adapters; tied weights then stay tied. */
  readonly trainsBase: boolean;
  /** Defined for methods whose adapters are two factors. */
  readonly lowRank: LowRankLayers | undefined;
  /** Defined for methods with scaling events. */
  readonly scaling: ScalingEvents | undefined;
  /** Everything that the optimiser moves. */
  trainables(): readonly Trainable[];
  /** Sets all gradients to zero, in place. */
  zeroGrad(): void;
  /** Numbers of parameters: trainable ones, and all of the model with its adapters. */
  parameterCounts(): { readonly trainable: number; readonly all: number };
  /** The effective weight of an adapted layer, a new tensor `[out, in]`; float32 unless asked for in float64. */
  mergedWeight(path: string, dtype?: "float32" | "float64"): Tensor;
  /** Paths of the layers that have an adapter, as `namedModules` has them. */
  adaptedPaths(): readonly string[];
  /** Paths of the modules that are trained whole, none within another, and saved as they are (PEFT's `modules_to_save`). */
  fullyTrainedPaths(): readonly string[];
  /**
   * Writes the adapter alone as a PEFT folder, for `baseModel`.
   * @throws ScaloraError `usage` when the adapter alone is not what was learnt, or nothing reads it
   */
  saveAdapter(folder: string, baseModel: string): void;
  /** Set where the base changes as the method trains, so that the adapter alone is not what was learnt. */
  readonly changedBase?: ChangedBase | undefined;
  /** Everything a checkpoint must hold, changed base weights included. The tensors stay the adapter set's. */
  state(): Map<string, Tensor>;
  /**
   * The rows that tensors `[L, perRank, …]` of `state` have of stacks `[L, rows, …]` that are shared out between ranks, by name; the
   * checkpoint holds the whole. Without it every process has all of every tensor.
   */
  stateRows?(): ReadonlyMap<string, RowSlice>;
  /** Takes a state back; `read` gives whole tensors, and fails on a name it does not have. They stay the caller's. */
  loadState(read: (name: string) => Tensor): void;
  /** Numbers that are not tensors (events so far, skipped layers): plain data for a checkpoint. */
  counters(): Json;
  /** Takes back what `counters` gave. */
  loadCounters(counters: Json): void;
  /**
   * What forward passes depend on besides the contents of tensors, as one value that is another whenever they would call other
   * operators or pass other numbers or tensors: a scale that the host computes, the number of restarts. A pass that was recorded
   * (`train.cudaGraphs`) is replayed while it is the same. Constant where passes only compute with tensors; undefined, or absent,
   * where the method does not say: then nothing is recorded.
   */
  passKey?(): string | number | boolean | undefined;
  /** Frees gradients and factors. The model keeps its weights, and layers lose their adapters. */
  dispose(): void;
}
