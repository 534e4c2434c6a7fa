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
import { noGrad, scope, type Tensor } from "../torch/index.ts";
import { reportActivity } from "../util/activity.ts";
import { ScaloraError } from "../util/errors.ts";
import { compareHeldOut } from "./compare-held-out-loss.ts";
import type { ExportResult } from "./export-request.ts";
import { type TruncatedMatrix, type Truncation, truncateMatrix } from "./truncate-matrix.ts";

/** One layer's change, truncated to two factors. */
interface TruncatedLayer {
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
  const layers: TruncatedLayer[] = [];
  try {
    const paths = changedLayerPaths(model, adapters);
    for (const [done, path] of paths.entries()) {
      reportActivity({ what: "taking the layers' changes apart", done, total: paths.length });
      await setImmediate();
      signal.throwIfAborted();
      const layer = noGrad(() => scope(() => truncateMatrix(weightChange(adapters, original, path), share)));
      if (layer) layers.push(keep(path, layer));
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

function keep(path: string, { up, down, rank, kept, whole }: TruncatedMatrix): TruncatedLayer {
  return { factors: { path, rank, alpha: rank, up: up.keep(), down: down.keep() }, kept, whole };
}
