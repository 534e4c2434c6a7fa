import type { AdapterSet } from "../adapters/index.ts";
import { Linear, type TrainableModel } from "../nn/index.ts";
import { linalgSvdvals, scope, type Tensor } from "../torch/index.ts";
import { ranksFromSingularValues } from "./matrix-ranks.ts";
import { significantSpectrum } from "./singular-values.ts";
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
    ...scope(() => matrixRanks(weightChange(adapters, original, path))),
  }));
  const mean = (of: "rank" | "entropyRank") =>
    layers.reduce((total, layer) => total + layer[of], 0) / Math.max(1, layers.length);
  return { rank: mean("rank"), entropyRank: mean("entropyRank"), layers };
}

/** From the leading singular values where they are all that count: a change of low rank takes a fraction of the time then. */
function matrixRanks(matrix: Tensor): Omit<LayerChangeRank, "path"> {
  const spectrum = significantSpectrum(matrix);
  return ranksFromSingularValues(
    spectrum.complete ? spectrum.values : linalgSvdvals(matrix).toFloats(),
    spectrum.energy,
  );
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
