import type { GradientSize, LayerScalingPreview } from "../adapters/core/adapter-set.ts";
import { linearLayers } from "../adapters/core/targets.ts";
import type { AdapterSet, StepContext } from "../adapters/index.ts";
import type { Linear, TrainableModel } from "../nn/index.ts";
import type { LayerAnalysis, LayerScaling } from "../run/analysis-event.ts";
import { scope, sub, type Tensor } from "../torch/index.ts";
import type { StepObservation, StepObserver } from "../train/step.ts";
import { internalError } from "../util/errors.ts";
import { type CollectedGradient, GradientCollector } from "./gradient-collector.ts";
import { quantilesOf } from "./quantiles.ts";
import { signalShare } from "./signal-share.ts";
import {
  leadingEnergyFraction,
  leadingSpectrum,
  significantSpectrum,
  spectrumRanks,
} from "./singular-values.ts";
import { changedLayerPaths, weightChange } from "./weight-change.ts";

/** Maximum elements of the gradients collected in one step (1 GiB in float32); with more, layers take turns. */
const maxGradientElements = 2 ** 28;
/** Leading directions of a gradient to compute when the method has no rank. */
const directionsWithoutRank = 16;
/** Weight of the newest step in the exponential moving average of the time of forward and backward. */
const emaWeight = 0.1;

export interface AnalysisObserverOptions {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  /** The base model as loaded for training; owned and disposed by the observer. */
  readonly original: TrainableModel;
  /** Steps between records; for a method with events, the first event in each interval is recorded. */
  readonly every: number;
}

type Layers = readonly (readonly [path: string, linear: Linear])[];

/** What a record says of a layer's gradient, and what a preview of an event needs of it. */
interface GradientFigures {
  readonly recorded: NonNullable<LayerAnalysis["gradient"]>;
  readonly size: GradientSize | undefined;
}

interface PendingRecord {
  readonly gradients: GradientCollector;
  readonly layers: Map<string, Omit<LayerAnalysis, "path" | "change">>;
}

/**
 * Records the paper's figures during a run: ranks of the accumulated change and of the gradients, branches, factors and
 * distances of scaling events (docs/analysis.md). Between records it keeps only the usual time of a step.
 */
export class AnalysisObserver implements StepObserver, Disposable {
  private readonly parts: AnalysisObserverOptions;
  private readonly layers: Layers;
  private pending: PendingRecord | undefined;
  private seconds = 0;
  /** Moving average of forward and backward time without collection; a process's slower first step does not count. */
  private usualPassSeconds: number | undefined;
  private isFirst = true;
  private clock = 0;

  constructor(parts: AnalysisObserverOptions) {
    this.parts = parts;
    const linears = new Map(linearLayers(parts.model));
    this.layers = changedLayerPaths(parts.model, parts.adapters).map((path) => {
      const linear = linears.get(path);
      if (!linear) throw internalError(`there is no linear layer ${path}`);
      return [path, linear];
    });
  }

  beforeForward(step: StepContext): void {
    this.clock = performance.now();
    this.seconds = 0;
    this.pending = isAnalysisRecord(this.parts, step)
      ? {
          gradients: new GradientCollector(
            roundRobinLayers(this.layers, Math.floor(step.step / this.parts.every)),
          ),
          layers: new Map(),
        }
      : undefined;
  }

  watched(): readonly Tensor[] {
    return this.pending?.gradients.collectors ?? [];
  }

  afterMicroBatch(done: number, all: number, gradientOf: (tensor: Tensor) => Tensor | undefined): void {
    if (all > 1 && done === Math.ceil(all / 2)) this.pending?.gradients.endFirstHalf(gradientOf);
  }

  afterBackward(step: StepContext): void {
    const passes = (performance.now() - this.clock) / 1000;
    const { pending, isFirst } = this;
    const usual = this.usualPassSeconds ?? passes;
    this.isFirst = false;
    if (pending) {
      this.seconds += Math.max(0, passes - usual);
      this.timed(() => this.recordGradients(pending, step));
    } else if (!isFirst) this.usualPassSeconds = usual + emaWeight * (passes - usual);
  }

  afterStep(): StepObservation | undefined {
    const { pending } = this;
    if (!pending) return undefined;
    const layers = this.timed(() =>
      this.layers.map(([path]) => ({ path, change: this.changeOf(path), ...pending.layers.get(path) })),
    );
    this.pending = undefined;
    return { seconds: this.seconds, layers };
  }

  dispose(): void {
    this.parts.original.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private recordGradients({ gradients, layers }: PendingRecord, step: StepContext): void {
    const { adapters } = this.parts;
    const figures = new Map(
      [...gradients.take()].map(([path, gradient]) => [path, this.figuresOf(path, gradient)]),
    );
    const sizeOf = (path: string) => figures.get(path)?.size;
    const previews = adapters.scaling?.preview(step, sizeOf) ?? [];
    const scalings = new Map(previews.map((preview) => [preview.path, toLayerScaling(preview)]));
    for (const [path] of this.layers) {
      const [gradient, scaling] = [figures.get(path)?.recorded, scalings.get(path)];
      layers.set(path, { ...(gradient && { gradient }), ...(scaling && { scaling }) });
    }
  }

  /** Of the gradient of the effective weight, as the method's factors receive it. */
  private figuresOf(path: string, { whole, firstHalf }: CollectedGradient): GradientFigures {
    const { adapters } = this.parts;
    const { lowRank } = adapters;
    const directions = leadingDirections(adapters, path);
    return scope(() => {
      const seen = (gradient: Tensor) => lowRank?.factorGradient(path, gradient) ?? gradient;
      const spectrum = leadingSpectrum(seen(whole), directions ?? directionsWithoutRank);
      const ranks = spectrumRanks(spectrum);
      if (directions === undefined) return { recorded: ranks, size: undefined };
      const share = leadingEnergyFraction(spectrum, directions);
      const factors = lowRank?.factors?.(path);
      const signal =
        factors && firstHalf && signalShare(seen(firstHalf), seen(sub(whole, firstHalf)), factors);
      return {
        recorded: { ...ranks, directions, share, ...(signal !== undefined && { signal }) },
        size: { energy: spectrum.energy, share },
      };
    });
  }

  private changeOf(path: string): LayerAnalysis["change"] {
    const { adapters, original } = this.parts;
    return spectrumRanks(scope(() => significantSpectrum(weightChange(adapters, original, path))));
  }

  private timed<T>(work: () => T): T {
    const started = performance.now();
    const result = work();
    this.seconds += (performance.now() - started) / 1000;
    return result;
  }
}

/**
 * The layers whose gradients a record collects: all, or when these exceed the budget, every n-th layer, shifted each turn.
 * @param budget maximum number of gradient elements
 */
export function roundRobinLayers(layers: Layers, turn: number, budget = maxGradientElements): Layers {
  const total = layers.reduce((sum, [, { weight }]) => sum + weight.numel, 0);
  const turns = Math.ceil(total / budget);
  return layers.filter((_, index) => (index + turn) % turns === 0);
}

/** Whether a step is recorded: the first with an event in its interval of `every` steps; without events the first one. */
export function isAnalysisRecord(
  { adapters, every }: { adapters: Pick<AdapterSet, "scaling">; every: number },
  { step, warmupSteps }: Pick<StepContext, "step" | "warmupSteps">,
): boolean {
  const isCandidate = (at: number) => adapters.scaling?.hasEvent({ step: at, warmupSteps }) ?? true;
  if (!isCandidate(step)) return false;
  for (let earlier = Math.max(1, step - (step % every)); earlier < step; earlier++)
    if (isCandidate(earlier)) return false;
  return true;
}

/** 2r; undefined for methods without a rank. */
function leadingDirections({ lowRank }: AdapterSet, path: string): number | undefined {
  return lowRank && 2 * lowRank.rank(path);
}

function toLayerScaling({ branch, branches, factors, distances }: LayerScalingPreview): LayerScaling {
  return {
    branch,
    branches: { ...branches },
    ...(factors && { alpha: quantilesOf(factors.alpha), beta: quantilesOf(factors.beta) }),
    ...(distances && { distance: { ...distances } }),
  };
}
