import { FactorAdapters } from "../adapters/core/factor-adapters.ts";
import { linearLayers } from "../adapters/core/targets.ts";
import type { AdapterSet, StepContext } from "../adapters/index.ts";
import type { LayerView } from "../adapters/scalora/examine.ts";
import { ScaloraAdapters } from "../adapters/scalora/scalora.ts";
import type { Linear, TrainedModel } from "../nn/index.ts";
import type { LayerAnalysis, LayerScaling } from "../run/events.ts";
import { noGrad, scope, type Tensor } from "../torch/index.ts";
import type { Observation, StepObserver } from "../train/step.ts";
import { internalError } from "../util/errors.ts";
import { GradientWatch } from "./gradient-watch.ts";
import { quantilesOf } from "./quantiles.ts";
import { leadingShare, leadingSpectrum, type Spectrum, spectrumOf, spectrumRanks } from "./spectrum.ts";
import { changedPaths, weightChange } from "./weight-change.ts";

/** Numbers of the gradients that one step collects: with more, the layers take turns (1 GiB in float32). */
const gradientBudget = 2 ** 28;
/** Directions of a gradient that are looked for where the method has no rank. */
const directionsWithoutRank = 16;
/** Weight of the newest step in the running mean of what the passes of a step take. */
const newest = 0.1;

export interface AnalysisParts {
  readonly model: TrainedModel;
  readonly adapters: AdapterSet;
  /** The base model, as it was loaded for training; it goes with the analysis. */
  readonly original: TrainedModel;
  /** Steps from one look to the next: of a method with events, the first event of each such stretch. */
  readonly every: number;
}

type Layers = readonly (readonly [path: string, linear: Linear])[];

interface Look {
  readonly watch: GradientWatch;
  readonly layers: Map<string, Omit<LayerAnalysis, "path" | "change">>;
}

/**
 * The paper's figures, recorded as a run goes: ranks of the accumulated change and of the gradients, branches, factors and
 * distances of scaling events (docs/analysis.md). Keeps nothing from one look to the next but how long a step takes.
 */
export class RunAnalysis implements StepObserver {
  private readonly parts: AnalysisParts;
  private readonly layers: Layers;
  private look: Look | undefined;
  private seconds = 0;
  /** Running mean of what the passes of an ordinary step take; the first step of a process is slower and does not count. */
  private passes: number | undefined;
  private isFirst = true;
  private clock = 0;

  constructor(parts: AnalysisParts) {
    this.parts = parts;
    const linears = new Map(linearLayers(parts.model));
    this.layers = changedPaths(parts.model, parts.adapters).map((path) => {
      const linear = linears.get(path);
      if (!linear) throw internalError(`there is no linear layer ${path}`);
      return [path, linear];
    });
  }

  beforeForward(step: StepContext): void {
    this.clock = performance.now();
    this.seconds = 0;
    this.look = isLook(this.parts, step)
      ? {
          watch: new GradientWatch(layersInTurn(this.layers, Math.floor(step.step / this.parts.every))),
          layers: new Map(),
        }
      : undefined;
  }

  afterBackward(step: StepContext): void {
    const passes = (performance.now() - this.clock) / 1000;
    const { look, isFirst } = this;
    const usual = this.passes ?? passes;
    this.isFirst = false;
    if (look) {
      this.seconds += Math.max(0, passes - usual);
      this.timed(() => this.seeGradients(look, step));
    } else if (!isFirst) this.passes = usual + newest * (passes - usual);
  }

  afterStep(): Observation | undefined {
    const { look } = this;
    if (!look) return undefined;
    const layers = this.timed(() =>
      this.layers.map(([path]) => ({ path, change: this.changeOf(path), ...look.layers.get(path) })),
    );
    this.look = undefined;
    return { seconds: this.seconds, layers };
  }

  dispose(): void {
    this.parts.original.dispose();
  }

  private seeGradients({ watch, layers }: Look, step: StepContext): void {
    const { adapters } = this.parts;
    const spectra = new Map<string, Spectrum>();
    for (const [path, gradient] of watch.take()) {
      const directions = directionsOf(adapters, path) ?? directionsWithoutRank;
      const spectrum = scope(() => leadingSpectrum(seenByFactors(adapters, path, gradient), directions));
      spectra.set(path, spectrum);
    }
    const shareOf = (path: string) => {
      const [spectrum, directions] = [spectra.get(path), directionsOf(adapters, path)];
      if (!spectrum || directions === undefined) return undefined;
      return { energy: spectrum.energy, share: leadingShare(spectrum, directions) };
    };
    const views = adapters instanceof ScaloraAdapters ? adapters.examine(step, shareOf) : [];
    const scalings = new Map(views.map((view) => [view.path, scalingOf(view, adapters)]));
    for (const [path] of this.layers) {
      const [spectrum, scaling] = [spectra.get(path), scalings.get(path)];
      const directions = directionsOf(adapters, path);
      layers.set(path, {
        ...(spectrum && {
          gradient: {
            ...spectrumRanks(spectrum),
            ...(directions !== undefined && { directions, share: leadingShare(spectrum, directions) }),
          },
        }),
        ...(scaling && { scaling }),
      });
    }
  }

  private changeOf(path: string): LayerAnalysis["change"] {
    const { adapters, original } = this.parts;
    return spectrumRanks(scope(() => spectrumOf(weightChange(adapters, original, path))));
  }

  private timed<T>(look: () => T): T {
    const started = performance.now();
    const result = look();
    this.seconds += (performance.now() - started) / 1000;
    return result;
  }
}

/**
 * The layers whose gradients a look collects: all, or where they are more than the budget every so many, another set each turn.
 * @param budget in numbers
 */
export function layersInTurn(layers: Layers, turn: number, budget = gradientBudget): Layers {
  const whole = layers.reduce((sum, [, { weight }]) => sum + weight.numel, 0);
  const turns = Math.ceil(whole / budget);
  return layers.filter((_, index) => (index + turn) % turns === 0);
}

/** Whether a step is the first with an event (of other methods: the first) in its stretch of `every` steps. */
export function isLook(
  { adapters, every }: { adapters: Pick<AdapterSet, "hasEvent">; every: number },
  { step, warmupSteps }: Pick<StepContext, "step" | "warmupSteps">,
): boolean {
  const isCandidate = (at: number) => adapters.hasEvent?.({ step: at, warmupSteps }) ?? true;
  if (!isCandidate(step)) return false;
  for (let earlier = Math.max(1, step - (step % every)); earlier < step; earlier++)
    if (isCandidate(earlier)) return false;
  return true;
}

/** 2r, of methods whose adapter has a rank. */
function directionsOf(adapters: AdapterSet, path: string): number | undefined {
  return adapters instanceof FactorAdapters ? 2 * adapters.find(path).bank.shape.rank : undefined;
}

/** The gradient of the effective weight as the method's factors get it. */
function seenByFactors(adapters: AdapterSet, path: string, gradient: Tensor): Tensor {
  if (!(adapters instanceof FactorAdapters)) return gradient;
  const { bank, index } = adapters.find(path);
  return noGrad(() => bank.gradientOfFactors(index, gradient));
}

function scalingOf({ outcome, branches, distances }: LayerView, adapters: AdapterSet): LayerScaling {
  const isOracle = adapters instanceof ScaloraAdapters && adapters.isOracle;
  const distance = distances && { ...distances, ...(isOracle && { chosen: distances.optimum }) };
  return {
    branch: isOracle ? "oracle" : outcome.branch,
    branches: { ...branches },
    ...(!isOracle && { alpha: quantilesOf(outcome.alpha), beta: quantilesOf(outcome.beta) }),
    ...(distance && { distance }),
  };
}
