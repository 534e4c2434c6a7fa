import type { AdapterSet } from "../adapters/index.ts";
import { Linear, type TrainableModel } from "../nn/index.ts";
import { linalgSvdvals, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { changedLayerPaths, weightChange } from "./weight-change.ts";

/** The ranks of one layer's accumulated change. */
export interface LayerChangeRank {
  readonly path: string;
  /** Singular values above 1e-2 of the largest. */
  readonly rank: number;
  /** Entropy rank exp(H(σ²/Σσ²)): the number of equal singular values with the same entropy. */
  readonly entropyRank: number;
}

/** Ranks of the accumulated change: means over layers, and per layer. */
export interface RankReport {
  readonly rank: number;
  readonly entropyRank: number;
  readonly layers: readonly LayerChangeRank[];
}

/** Singular values above this fraction of the largest count towards the rank. */
export const rankThreshold = 1e-2;

/**
 * The rank of the accumulated change of each adapted layer: the float64 difference of effective and original weights.
 * @param original the base model as loaded for training
 */
export function rankReport(
  model: TrainableModel,
  adapters: AdapterSet,
  original: TrainableModel,
  paths: readonly string[] = changedLayerPaths(model, adapters),
): RankReport {
  const layers = paths.map((path) => ({
    path,
    ...ranksFromSingularValues(scope(() => linalgSvdvals(weightChange(adapters, original, path)).toFloats())),
  }));
  const mean = (of: "rank" | "entropyRank") =>
    layers.reduce((total, layer) => total + layer[of], 0) / Math.max(1, layers.length);
  return { rank: mean("rank"), entropyRank: mean("entropyRank"), layers };
}

/** Budget of multiplications for the singular values at a run's end: a few seconds. */
const maxRankFlops = 1e10;

/** Whether the ranks are cheap enough to compute at the end of every run: Σ m·n·min(m, n) over the adapted layers. */
export function isWithinRankBudget(model: TrainableModel, adapters: AdapterSet): boolean {
  const paths = new Set(changedLayerPaths(model, adapters));
  let cost = 0;
  for (const [path, module] of model.namedModules())
    if (module instanceof Linear && paths.has(path)) {
      const [m, n] = module.weight.shape;
      cost += m * n * Math.min(m, n);
    }
  return cost <= maxRankFlops;
}

/**
 * Rank and entropy rank of a matrix from its singular values in descending order; 0 for a zero matrix.
 * @param energy ‖·‖²_F when `singularValues` are only the leading ones: the rest is counted as values equal to the last one
 */
export function ranksFromSingularValues(
  singularValues: ArrayLike<number>,
  energy?: number,
): { rank: number; entropyRank: number } {
  const values = Array.from(singularValues);
  const energies = values.map((value) => value * value);
  const known = energies.reduce((total, energy) => total + energy, 0);
  if (known === 0) return { rank: 0, entropyRank: 0 };
  const threshold = rankThreshold * elementAt(values, 0);
  const whole = Math.max(known, energy ?? 0);
  const rest = (whole - known) / whole;
  const last = Math.max((energies.at(-1) ?? 0) / whole, Number.MIN_VALUE);
  const shares = energies.map((energy) => energy / whole).filter((share) => share > 0);
  const entropy = shares.reduce((total, share) => total - share * Math.log(share), -rest * Math.log(last));
  return {
    rank: values.filter((value) => value > threshold).length,
    entropyRank: Math.exp(entropy),
  };
}
