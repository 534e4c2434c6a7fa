import { attachParsed } from "../adapters/index.ts";
import { resolveModelConfig } from "../assemble/glue-labels-and-metrics.ts";
import { computeDType } from "../assemble/load-base-model.ts";
import type { Recipe } from "../config/index.ts";
import { MissingWeights, outlineModel } from "../models/index.ts";
import { namedWeights } from "../nn/index.ts";
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
  const { adapter, train } = recipe;
  const { path, dtype, labels } = resolveModelConfig(recipe);
  using model = outlineModel(path, computeDType(dtype), labels);
  const all = [...namedWeights(model)].reduce((sum, [, { numel }]) => sum + numel, 0);
  if (adapter.method === "full") return { trainable: all, all };
  try {
    // Without what needs weights and changes no count: those in 4 bits for QLoRA, which trains what LoRA does, or to merge into.
    const options = {
      ...adapter,
      ...(adapter.method === "qlora" && { method: "lora" }),
      ...("base" in adapter && { base: "factored" }),
    };
    using adapters = attachParsed(model, options, train.seed);
    return adapters.parameterCounts();
  } catch (error) {
    if (!needsWeights(error)) throw error;
    return { trainable: null, all };
  }
}

/** Whether a method failed for want of weights; those of the outline are no tensors, as quantised ones are none. */
const needsWeights = (error: unknown) =>
  error instanceof MissingWeights || (error instanceof ScaloraError && error.where === "model.quantization");
