import { isWithin } from "../adapters/core/modules-to-save.ts";
import type { AdapterSet } from "../adapters/index.ts";
import { isClassifier, Linear, type Module, type TrainableModel } from "../nn/index.ts";
import { noGrad, scope, sub, type Tensor, toDType } from "../torch/index.ts";
import { internalError } from "../util/errors.ts";

/**
 * What training has changed of one layer: its effective weight less the original one, a new float64 tensor `[out, in]`.
 * @param original the base model, as it was loaded for training
 */
export function weightChange(adapters: AdapterSet, original: Module, path: string): Tensor {
  return noGrad(() =>
    scope(() =>
      sub(adapters.mergedWeight(path, "float64"), toDType(linearAt(original, path).denseWeight(), "float64")),
    ),
  );
}

/**
 * The adapted layers, but for an output layer that is the embedding (no adapter of one layer says what changed there) and
 * for a classifier's head, which is kept whole.
 */
export function changedLayerPaths(model: TrainableModel, adapters: AdapterSet): string[] {
  if (isClassifier(model)) {
    const { headModules } = model.info;
    return adapters.adaptedPaths().filter((path) => !isWithin(path, headModules));
  }
  const isShared = adapters.trainsBase && model.info.tiedEmbeddings;
  return adapters.adaptedPaths().filter((path) => !(isShared && path === "lm_head"));
}

/** The linear layer of a path. */
export function linearAt(model: Module, path: string): Linear {
  for (const [name, module] of model.namedModules())
    if (name === path && module instanceof Linear) return module;
  throw internalError(`the original model has no linear layer ${path}`);
}
