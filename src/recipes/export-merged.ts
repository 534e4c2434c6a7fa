import { untieWeight } from "../adapters/core/untie.js";
import { type AdapterSet, LayerAdapters } from "../adapters/index.js";
import { plainJson } from "../hub/json.js";
import { readModelConfig } from "../hub/model-folder.js";
import { saveModel } from "../models/index.js";
import { Linear, type TrainedModel } from "../nn/index.js";
import { linalgVectorNorm, noGrad, scope, sub, type Tensor, toDType } from "../torch/index.js";
import type { OpenModel } from "./open-model.js";

/**
 * Writes a model folder whose weights are the effective ones.
 * @param dtype of the files; by default what the base model's config names (bfloat16, else float32)
 * @returns how far the rounding to `dtype` takes all weights together, relative; absent in float32
 */
export function exportMerged(
  open: Pick<OpenModel, "model" | "adapters" | "baseFolder">,
  out: string,
  dtype = storedDType(open.baseFolder),
): { drift?: number } {
  const { model, adapters, baseFolder } = open;
  if (adapters instanceof LayerAdapters) untieAdapted(model, adapters);
  const adapted = new Map(adapters?.adaptedPaths().map((path) => [`${path}.weight`, path]));
  const drift = new Drift();
  const replace = (name: string): Tensor | undefined => {
    const path = adapted.get(name);
    return path === undefined ? undefined : adapters?.mergedWeight(path);
  };
  if (dtype !== "float32")
    for (const [name, tensor] of model.namedParameters())
      scope(() => drift.add(replace(name) ?? tensor, dtype));
  saveModel(model, baseFolder, out, { dtype, replace });
  return dtype === "float32" ? {} : { drift: drift.relative };
}

/**
 * Writes a trained model as a Hugging Face folder with its effective weights, for any tool to load. The model in memory keeps
 * its adapters; a weight that an adapted layer shares is saved as one of its own.
 * @param options.baseFolder that the model was loaded from: its config and tokenizer files are copied
 * @param options.out the folder to make; it must be empty or absent
 * @param options.dtype of the files; default what the base's config names
 * @returns `drift`: how far rounding to bfloat16 takes all weights together, relative
 */
export function mergeAndSave(
  model: TrainedModel,
  adapters: AdapterSet,
  { baseFolder, out, dtype }: { baseFolder: string; out: string; dtype?: "float32" | "bfloat16" },
): { drift?: number } {
  return exportMerged({ model, adapters, baseFolder }, out, dtype);
}

/** A frozen weight that two modules share can only be changed for one of them once it has its own. */
function untieAdapted(model: OpenModel["model"], adapters: LayerAdapters): void {
  const adapted = new Set(adapters.adaptedPaths());
  for (const [path, module] of model.namedModules())
    if (module instanceof Linear && adapted.has(path)) untieWeight(model, path, module, "untie");
}

function storedDType(folder: string): "float32" | "bfloat16" {
  const config = readModelConfig(folder);
  const name = config.get("dtype") ?? config.get("torch_dtype");
  return name !== undefined && plainJson(name) === "bfloat16" ? "bfloat16" : "float32";
}

/** Sums up ‖rounded − exact‖² and ‖exact‖² over tensors. */
class Drift {
  private changed = 0;
  private whole = 0;

  add(exact: Tensor, dtype: "bfloat16"): void {
    noGrad(() => {
      const wide = toDType(exact, "float64");
      const rounded = toDType(toDType(exact, dtype), "float64");
      this.changed += linalgVectorNorm(sub(rounded, wide)).item() ** 2;
      this.whole += linalgVectorNorm(wide).item() ** 2;
    });
  }

  get relative(): number {
    return this.whole === 0 ? 0 : Math.sqrt(this.changed / this.whole);
  }
}
