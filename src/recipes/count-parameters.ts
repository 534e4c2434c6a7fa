import { attachParsed } from "../adapters/index.ts";
import { methodNamed } from "../adapters/registry.ts";
import { computeDType } from "../assemble/load-base-model.ts";
import { resolveModelConfig } from "../assemble/model-config.ts";
import type { Recipe } from "../config/index.ts";
import { MissingWeights, outlineModel } from "../models/index.ts";
import { countWeights, type Module } from "../nn/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** The parameters of a recipe; null where the method looks at the weights before it says how many it trains. */
interface ParameterCounts {
  readonly trainable: number | null;
  readonly all: number;
}

/**
 * Counts the parameters of a recipe without loading its model's weights.
 * @throws ScaloraError `model`, `format` or `config` where model and method do not go together
 */
export function countParameters(recipe: Recipe): ParameterCounts {
  const { path, dtype, labels } = resolveModelConfig(recipe);
  using model = outlineModel(path, computeDType(dtype), labels);
  const all = countWeights(model);
  try {
    return countsOn(model, recipe);
  } catch (error) {
    if (!needsWeights(error)) throw error;
    return { trainable: null, all };
  }
}

function countsOn(outline: Module, { adapter, train: { seed } }: Recipe): ParameterCounts {
  const counts = methodNamed(adapter.method)?.countParameters?.(outline, adapter, { seed });
  if (counts !== undefined) return counts;
  using adapters = attachParsed(outline, adapter, seed);
  return adapters.parameterCounts();
}

/** Whether a method failed for want of weights; those of the outline are no tensors, as quantised ones are none. */
const needsWeights = (error: unknown) =>
  error instanceof MissingWeights || (error instanceof ScaloraError && error.where === "model.quantization");
