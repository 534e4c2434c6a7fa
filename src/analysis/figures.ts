import type { AnalysisEvent, LayerAnalysis, LayerScaling, RunEvent } from "../run/events.ts";
import { quantilesOf } from "./quantiles.ts";

/** Least, mean and largest over layers. */
export interface Spread {
  least: number;
  mean: number;
  largest: number;
}

/** How many layers of how many looks took each branch. */
export type BranchCounts = Record<string, number>;

/** One step of the record, over its layers. Shares are of layers or of energy, in [0, 1]. */
export interface Look {
  step: number;
  seconds: number;
  layers: number;
  /** Of the accumulated change (Fig. 2b). `complete`: whether no layer's rank is only a lower bound. */
  change: { rank: Spread; entropyRank: number; complete: boolean };
  /** Of the full gradient (Fig. 2c): `enough` is the share of layers whose rank is at least 2r. */
  gradient: {
    layers: number;
    rank: Spread;
    complete: boolean;
    enough: number | null;
    share: Spread | null;
  } | null;
  /** Of a scaling event (Fig. 2d); factors: least, median quartiles and largest over the layers. */
  scaling: {
    branches: Record<string, BranchCounts>;
    alpha: number[] | null;
    beta: number[] | null;
    distance: { unscaled: number; chosen: number; optimum: number } | null;
  } | null;
}

/** The policies of the solver, and what the run itself did. */
export const policies = ["default", "paper", "scalar"] as const;

/** A record in figures over its layers. */
export function lookOf({ step, seconds, layers }: AnalysisEvent): Look {
  const changes = layers.map(({ change }) => change);
  return {
    step,
    seconds,
    layers: layers.length,
    change: {
      rank: spreadOf(changes.map(({ rank }) => rank)),
      entropyRank: mean(changes.map(({ entropyRank }) => entropyRank)),
      complete: changes.every(({ complete }) => complete),
    },
    gradient: gradientOf(layers.flatMap(({ gradient }) => gradient ?? [])),
    scaling: scalingOf(layers.flatMap(({ scaling }) => scaling ?? [])),
  };
}

function gradientOf(gradients: readonly NonNullable<LayerAnalysis["gradient"]>[]): Look["gradient"] {
  if (gradients.length === 0) return null;
  const shares = gradients.flatMap(({ share }) => share ?? []);
  const isEnough = gradients.flatMap(({ rank, directions }) =>
    directions === undefined ? [] : [rank >= directions ? 1 : 0],
  );
  return {
    layers: gradients.length,
    rank: spreadOf(gradients.map(({ rank }) => rank)),
    complete: gradients.every(({ complete }) => complete),
    enough: isEnough.length === 0 ? null : mean(isEnough),
    share: shares.length === 0 ? null : spreadOf(shares),
  };
}

function scalingOf(scalings: readonly LayerScaling[]): Look["scaling"] {
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

/** Branches over several looks, by who decides: `run` and the policies. */
export function branchTotals(looks: readonly Look[]): Record<string, BranchCounts> {
  const totals: Record<string, BranchCounts> = {};
  for (const { scaling } of looks)
    for (const [who, branches] of Object.entries(scaling?.branches ?? {}))
      for (const [branch, times] of Object.entries(branches)) {
        totals[who] ??= {};
        totals[who][branch] = (totals[who][branch] ?? 0) + times;
      }
  return totals;
}

/** What the record cost: seconds, and their share of the run's; null without a record. */
export function costOf(looks: readonly Look[], events: readonly RunEvent[]) {
  if (looks.length === 0) return null;
  const seconds = looks.reduce((sum, look) => sum + look.seconds, 0);
  const end = events.findLast(({ type }) => type === "end");
  const whole = end?.type === "end" ? end.seconds : 0;
  return { looks: looks.length, seconds, share: whole > 0 ? seconds / whole : null };
}

/** Of each layer's quantiles the least, the medians of the quartiles, and the largest. */
function pooled(quantiles: readonly (readonly number[])[]): number[] | null {
  if (quantiles.length === 0) return null;
  const column = (at: number) => quantiles.map((list) => list[at]);
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

export function spreadOf(values: readonly number[]): Spread {
  return { least: Math.min(...values), mean: mean(values), largest: Math.max(...values) };
}
