import { isWithin } from "../adapters/core/modules-to-save.ts";
import { linearAt } from "../adapters/core/targets.ts";
import type { AdapterSet } from "../adapters/index.ts";
import { isClassifier, type Module, type TrainableModel } from "../nn/index.ts";
import { noGrad, scope, sub, type Tensor, toDType } from "../torch/index.ts";

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
