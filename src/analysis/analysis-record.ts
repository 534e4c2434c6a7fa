import type { LayerAnalysis, LayerScaling } from "../run/analysis-event.ts";
import { type AnalysisEvent, eventsOfType, type RunEvent } from "../run/events.ts";
import { elementAt } from "../util/elements.ts";
import { quantilesOf } from "./quantiles.ts";

/** Minimum, mean and maximum over layers. */
export interface MinMeanMax {
  least: number;
  mean: number;
  largest: number;
}

/** Number of layers by branch of the solver. */
export type BranchCounts = Record<string, number>;

/** One analysed step, summarised over its layers. Fractions (of layers or of energy) are in [0, 1]. */
export interface AnalysisRecord {
  step: number;
  seconds: number;
  layers: number;
  /** Ranks of the accumulated change (Fig. 2b). `complete` is false when some layer's rank is only a lower bound. */
  change: { rank: MinMeanMax; entropyRank: number; complete: boolean };
  /** Ranks of the full gradient (Fig. 2c); `enough` is the fraction of layers whose rank is at least 2r. */
  gradient: {
    layers: number;
    rank: MinMeanMax;
    complete: boolean;
    enough: number | null;
    share: MinMeanMax | null;
    /** φ, mean over layers. */
    signal: number | null;
  } | null;
  /** The scaling event (Fig. 2d); factors: minimum, medians of the layers' quartiles, maximum. */
  scaling: {
    branches: Record<string, BranchCounts>;
    alpha: number[] | null;
    beta: number[] | null;
    distance: { unscaled: number; chosen: number; optimum: number } | null;
  } | null;
}

/** The policies of the solver. */
export const policies = ["default", "paper", "scalar"] as const;

/** Summarises an analysis event over its layers. */
export function toAnalysisRecord({ step, seconds, layers }: AnalysisEvent): AnalysisRecord {
  const changes = layers.map(({ change }) => change);
  return {
    step,
    seconds,
    layers: layers.length,
    change: {
      rank: minMeanMax(changes.map(({ rank }) => rank)),
      entropyRank: mean(changes.map(({ entropyRank }) => entropyRank)),
      complete: changes.every(({ complete }) => complete),
    },
    gradient: gradientFigures(layers.flatMap(({ gradient }) => gradient ?? [])),
    scaling: scalingFigures(layers.flatMap(({ scaling }) => scaling ?? [])),
  };
}

function gradientFigures(
  gradients: readonly NonNullable<LayerAnalysis["gradient"]>[],
): AnalysisRecord["gradient"] {
  if (gradients.length === 0) return null;
  const shares = gradients.flatMap(({ share }) => share ?? []);
  const signals = gradients.flatMap(({ signal }) =>
    signal === undefined || Number.isNaN(signal) ? [] : [signal],
  );
  const isEnough = gradients.flatMap(({ rank, directions }) =>
    directions === undefined ? [] : [rank >= directions ? 1 : 0],
  );
  return {
    layers: gradients.length,
    rank: minMeanMax(gradients.map(({ rank }) => rank)),
    complete: gradients.every(({ complete }) => complete),
    enough: isEnough.length === 0 ? null : mean(isEnough),
    share: shares.length === 0 ? null : minMeanMax(shares),
    signal: signals.length === 0 ? null : mean(signals),
  };
}

function scalingFigures(scalings: readonly LayerScaling[]): AnalysisRecord["scaling"] {
  if (scalings.length === 0) return null;
  const distances = scalings.flatMap(({ distance }) => distance ?? []);
  const meanOf = (key: "unscaled" | "chosen" | "optimum") => mean(distances.map((distance) => distance[key]));
  return {
    branches: {
      run: count(scalings.map(({ branch }) => branch)),
      ...Object.fromEntries(
        policies.map((policy) => [policy, count(scalings.map(({ branches }) => branches[policy]))]),
      ),
    },
    alpha: pooled(scalings.flatMap(({ alpha }) => (alpha ? [alpha] : []))),
    beta: pooled(scalings.flatMap(({ beta }) => (beta ? [beta] : []))),
    distance:
      distances.length === 0
        ? null
        : { unscaled: meanOf("unscaled"), chosen: meanOf("chosen"), optimum: meanOf("optimum") },
  };
}

/** Branch counts over several records, as taken by the run (`run`) and by each policy. */
export function branchTotals(records: readonly AnalysisRecord[]): Record<string, BranchCounts> {
  const totals: Record<string, BranchCounts> = {};
  for (const { scaling } of records)
    for (const [who, branches] of Object.entries(scaling?.branches ?? {}))
      for (const [branch, times] of Object.entries(branches)) {
        totals[who] ??= {};
        totals[who][branch] = (totals[who][branch] ?? 0) + times;
      }
  return totals;
}

/** Cost of the analysis: seconds, and their fraction of the run's time; null without records. */
export function recordingCost(records: readonly AnalysisRecord[], events: readonly RunEvent[]) {
  if (records.length === 0) return null;
  const seconds = records.reduce((sum, look) => sum + look.seconds, 0);
  const whole = eventsOfType(events, "end").at(-1)?.seconds ?? 0;
  return { records: records.length, seconds, share: whole > 0 ? seconds / whole : null };
}

/** Pools the quantiles of several layers: minimum, medians of the quartiles, maximum. */
function pooled(quantiles: readonly (readonly number[])[]): number[] | null {
  if (quantiles.length === 0) return null;
  const column = (at: number) => quantiles.map((list) => elementAt(list, at));
  const median = (at: number) => quantilesOf(column(at))[2];
  return [Math.min(...column(0)), median(1), median(2), median(3), Math.max(...column(4))];
}

function count(names: readonly string[]): BranchCounts {
  const counts: BranchCounts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

export function minMeanMax(values: readonly number[]): MinMeanMax {
  return { least: Math.min(...values), mean: mean(values), largest: Math.max(...values) };
}
