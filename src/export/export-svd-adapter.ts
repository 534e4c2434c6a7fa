import { setImmediate } from "node:timers/promises";
import { baseFingerprint } from "../adapters/core/base-fingerprint.ts";
import { isWithin } from "../adapters/core/modules-to-save.ts";
import { linearAt } from "../adapters/core/targets.ts";
import { type AdapterSet, attachFolder } from "../adapters/index.ts";
import { type StoredFactors, writeFactors } from "../adapters/peft/lora-format.ts";
import type { FullyTrainedModules } from "../adapters/peft/save-adapter.ts";
import { changedLayerPaths, weightChange } from "../analysis/weight-change.ts";
import type { OpenModel } from "../assemble/open-model.ts";
import type { TrainableModel } from "../nn/index.ts";
import {
  contiguous,
  div,
  flip,
  fromData,
  linalgEigh,
  matmul,
  mul,
  narrow,
  scope,
  type Tensor,
  toDType,
  transpose,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { compareHeldOut } from "./compare-held-out-loss.ts";
import type { ExportResult } from "./export-request.ts";

/** The rank, or the fraction of the energy, to keep of each layer's change. */
interface Truncation {
  readonly rank?: number | undefined;
  readonly energy?: number | undefined;
}

/** One layer's change, truncated to two factors. */
interface TruncatedChange {
  readonly factors: StoredFactors & { readonly up: Tensor; readonly down: Tensor };
  /** Squared Frobenius norms. */
  readonly kept: number;
  readonly whole: number;
}

/**
 * Writes the accumulated change of every adapted layer as a LoRA adapter of scale 1, by a truncated singular value
 * decomposition in float64: to a rank, or to the rank that keeps a fraction of the energy, with `√σ` in each factor. Modules
 * to save are kept; unchanged layers and all other weights are left out. The held-out loss shows the cost when the run has
 * held-out rows.
 * @throws ScaloraError `usage` when no layer has changed
 */
export async function exportSvdAdapter(
  open: OpenModel & { readonly adapters: AdapterSet },
  out: string,
  share: Truncation,
  signal: AbortSignal,
): Promise<Pick<ExportResult, "rank" | "retainedEnergy" | "heldOutLoss">> {
  const { model, adapters, baseFolder } = open;
  using original = await open.loadOriginal();
  const layers: TruncatedChange[] = [];
  try {
    for (const path of changedLayerPaths(model, adapters)) {
      await setImmediate();
      signal.throwIfAborted();
      const layer = scope(() => truncateChange(path, weightChange(adapters, original, path), share));
      if (layer) layers.push(keep(layer));
    }
    if (layers.length === 0)
      throw new ScaloraError("usage", "Nothing to export: no linear layer has changed", {
        fix: "give a checkpoint of a later step",
      });
    const factors = layers.map((layer) => layer.factors);
    const base = baseFingerprint(factors.map(({ path }) => ({ path, linear: linearAt(original, path) })));
    writeFactors(out, factors, baseFolder, { base, ...modulesToSave(model, adapters) });
    const sum = (of: "kept" | "whole") => layers.reduce((total, layer) => total + layer[of], 0);
    return {
      rank: Math.max(...factors.map(({ rank }) => rank)),
      retainedEnergy: sum("kept") / sum("whole"),
      heldOutLoss: await compareLosses(open, original, out, signal),
    };
  } finally {
    for (const { factors } of layers) {
      factors.up.dispose();
      factors.down.dispose();
    }
  }
}

/** The fully trained modules, saved as PEFT's modules to save. */
function modulesToSave(model: TrainableModel, adapters: AdapterSet): Omit<FullyTrainedModules, "base"> {
  const paths = adapters.fullyTrainedPaths();
  return { model, paths, tensors: [...model.namedParameters()].filter(([name]) => isWithin(name, paths)) };
}

/** Compares the held-out loss of the trained model with that of the base model with the exported adapter. */
async function compareLosses(
  open: OpenModel,
  original: TrainableModel,
  out: string,
  signal: AbortSignal,
): Promise<ExportResult["heldOutLoss"]> {
  const openExported = async () => {
    const adapters = attachFolder(original, out);
    return { model: original, [Symbol.dispose]: () => adapters.dispose() };
  };
  return await compareHeldOut(open, openExported, signal);
}

function keep(layer: TruncatedChange): TruncatedChange {
  layer.factors.up.keep();
  layer.factors.down.keep();
  return layer;
}

/**
 * The leading singular triplets from the eigenvectors of the smaller Gram matrix, in float64: a quarter of the time of a
 * full decomposition. The other factor is the projection on these eigenvectors.
 * @returns undefined for a change of 0
 */
function truncateChange(path: string, change: Tensor, share: Truncation): TruncatedChange | undefined {
  const [m, n] = change.sizes(2);
  const transposed = transpose(change, 0, 1);
  const isTall = m >= n;
  const [values, vectors] = linalgEigh(isTall ? matmul(transposed, change) : matmul(change, transposed));
  const energies = [...values.toFloats()].reverse().map((value) => Math.max(0, value));
  const whole = energies.reduce((total, value) => total + value, 0);
  if (whole === 0) return undefined;
  const rank = rankFor(energies, whole, share);
  const leading = flip(narrow(vectors, 1, Math.min(m, n) - rank, rank), [1]);
  const sqrtSigmas = Float64Array.from({ length: rank }, (_, i) => elementAt(energies, i) ** 0.25);
  const sqrtSigma = fromData(sqrtSigmas, [rank], { device: change.device });
  const scaled = mul(leading, sqrtSigma);
  const projected = div(matmul(isTall ? change : transposed, leading), sqrtSigma);
  const [up, down] = isTall ? [projected, scaled] : [scaled, projected];
  const single = (x: Tensor) => contiguous(toDType(x, "float32"));
  const kept = energies.slice(0, rank).reduce((total, value) => total + value, 0);
  const factors = { path, rank, alpha: rank, up: single(up), down: single(transpose(down, 0, 1)) };
  return { factors, kept, whole };
}

/** Relative energy of negligible singular values: below 1e-7 of the largest, float32 loses them. */
const negligible = 1e-14;

/** The requested rank, limited by the rank of the change, or the smallest rank that keeps the energy. */
function rankFor(energies: readonly number[], whole: number, { rank, energy = 1 }: Truncation): number {
  const significant = energies.filter((value) => value > elementAt(energies, 0) * negligible).length;
  if (rank !== undefined) return Math.min(rank, significant);
  let kept = 0;
  for (const [index, value] of energies.entries()) {
    kept += value;
    if (kept >= energy * whole) return Math.min(index + 1, significant);
  }
  return significant;
}
