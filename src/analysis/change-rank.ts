import type { AdapterSet } from "../adapters/index.ts";
import { Linear, type TrainableModel } from "../nn/index.ts";
import { linalgSvdvals, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { changedLayerPaths, weightChange } from "./weight-change.ts";

/** How many directions the change of one layer has. */
export interface LayerChangeRank {
  readonly path: string;
  /** Singular values above 1e-2 of the largest. */
  readonly rank: number;
  /** exp(H(σ²/Σσ²)): the number of equal singular values that would be as spread out. */
  readonly entropyRank: number;
}

/** Ranks of the accumulated change, averaged over layers and of each. */
export interface RankReport {
  readonly rank: number;
  readonly entropyRank: number;
  readonly layers: readonly LayerChangeRank[];
}

/** A singular value counts above this share of the largest. */
export const rankThreshold = 1e-2;

/**
 * The rank of what training has changed: of the float64 difference of effective weights of each adapted layer.
 * @param original the base model, as it was loaded for training
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

/** Multiplications that the singular values of a run's layers may take at its end: a few seconds. */
const maxRankFlops = 1e10;

/** Whether the ranks of a model's change are cheap enough to be found unasked: Σ m·n·min(m, n) over its layers. */
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
 * Both ranks of a matrix by its singular values, the largest first; 0 for a zero matrix.
 * @param energy ‖·‖²_F, where `singularValues` are only the leading ones: the rest counts as values like the last of them
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
