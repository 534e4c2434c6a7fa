import { isWithin } from "../adapters/core/modules-to-save.ts";
import type { AdapterSet } from "../adapters/index.ts";
import { isClassifier, Linear, type Module, type TrainableModel } from "../nn/index.ts";
import { noGrad, scope, sub, type Tensor, toDType } from "../torch/index.ts";
import { internalError } from "../util/errors.ts";

/**
 * The accumulated change of one layer: effective weight minus original weight, a new float64 tensor `[out, in]`.
 * @param original the base model as loaded for training
 */
export function weightChange(adapters: AdapterSet, original: Module, path: string): Tensor {
  return noGrad(() =>
    scope(() =>
      sub(adapters.mergedWeight(path, "float64"), toDType(linearAt(original, path).denseWeight(), "float64")),
    ),
  );
}

/**
 * The adapted layers, without an output layer tied to the embedding (its change is not that of one layer) and without a
 * classifier's head, which is fully trained.
 */
export function changedLayerPaths(model: TrainableModel, adapters: AdapterSet): string[] {
  if (isClassifier(model)) {
    const { headModules } = model.info;
    return adapters.adaptedPaths().filter((path) => !isWithin(path, headModules));
  }
  const isShared = adapters.trainsBase && model.info.tiedEmbeddings;
  return adapters.adaptedPaths().filter((path) => !(isShared && path === "lm_head"));
}

/** The linear layer at a path. */
export function linearAt(model: Module, path: string): Linear {
  for (const [name, module] of model.namedModules())
    if (name === path && module instanceof Linear) return module;
  throw internalError(`the original model has no linear layer ${path}`);
}
