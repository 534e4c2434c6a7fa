import { isGgufFile, type LazyParameter } from "../gguf/index.ts";
import { locateModel } from "../model-files/locate-model.ts";
import { readModelConfig } from "../model-files/model-config.ts";
import { writeModelFolder } from "../model-files/write-model-folder.ts";
import {
  type CausalLM,
  FrozenWeight,
  isClassifier,
  Linear,
  namedWeights,
  requireModel,
  type SequenceClassifier,
} from "../nn/index.ts";
import type { LazyTensor } from "../safetensors/index.ts";
import { type DType, detach, type Tensor, toDType } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { JsonObject } from "../util/json-file.ts";
import { outputPath } from "../util/output-path.ts";
import { requireAwaited } from "../util/require-awaited.ts";
import { decoderFamilies } from "./families.ts";
import { writeClassifierConfig } from "./write-classifier-config.ts";

/** How a model's weights are written. */
export interface SaveOptions {
  /** Dtype of all weights in the files; that of the model by default. */
  dtype?: DType;
  /** Returns the tensor to write instead of a parameter (a merged weight), or undefined to write the parameter. */
  replace?: (name: string) => Tensor | undefined;
}

/**
 * Writes a complete Hugging Face folder, atomically: the source's config (with the dtype of the files, and a classifier's
 * labels) and tokenizer files, and the model's weights.
 * @param sourceFolder folder or GGUF file that the model came from, or its name
 * @throws ScaloraError `usage` when the folder is not empty or the model has adapters, `run` when it cannot be written
 */
export function saveModel(
  model: CausalLM | SequenceClassifier,
  sourceFolder: string,
  outFolder: string,
  options: SaveOptions = {},
): void {
  requireAwaited({ model });
  requireModel(model);
  const source = locateModel(sourceFolder);
  if (options.replace === undefined) refuseAdapted(model);
  saveModelWithConfig(model, readModelConfig(source), source, outputPath(outFolder), options);
}

/** Adapters are no parameters of the model: it would be saved as it was before they were trained. */
function refuseAdapted(model: CausalLM | SequenceClassifier): void {
  for (const [path, module] of model.namedModules()) {
    if (!(module instanceof Linear) || module.adapter === undefined) continue;
    throw new ScaloraError("usage", "The model has adapters, which saveModel would leave out", {
      where: path,
      fix: "mergeAndSave(model, adapters, { out }) saves what was trained; or dispose() the adapters first",
    });
  }
}

/** `saveModel` for a model that was not read from a folder; tokenizer files come from `companions`. */
export function saveModelWithConfig(
  model: CausalLM | SequenceClassifier,
  config: JsonObject,
  companions: string,
  outFolder: string,
  { dtype = model.info.dtype, replace = () => undefined }: SaveOptions = {},
): void {
  const weights = parametersToSave(model, replace).map(({ name, shape, load }): [string, LazyTensor] => [
    name,
    { shape, dtype, load: () => toDType(load(), dtype, { copy: true }) },
  ]);
  const type = config.get("model_type");
  const family = typeof type === "string" ? decoderFamilies.get(type) : undefined;
  const written: JsonObject = new Map(family?.savedConfig?.(config) ?? config);
  const oldKey = written.has("torch_dtype") && !written.has("dtype");
  written.set(oldKey ? "torch_dtype" : "dtype", dtype);
  if (isClassifier(model)) writeClassifierConfig(written, model);
  else written.set("tie_word_embeddings", model.info.tiedEmbeddings);
  if (!written.has("transformers_version") && mayNameVersion(type, companions))
    written.set("transformers_version", transformersVersion);
  writeModelFolder(outFolder, { config: written, weights, auxiliarySource: companions });
}

/** The version of transformers with which our config files were checked. */
const transformersVersion = "5.17.0";

/**
 * Whether a config without a version may get ours. Without one transformers 5 warns of the expression that Mistral's older
 * tokenizers split texts with, whatever the model; it is right only for a Mistral folder, whose tokenizer is copied as it is.
 */
const mayNameVersion = (modelType: unknown, companions: string) =>
  modelType !== "mistral" || isGgufFile(companions);

/** The parameters of a model to be written, quantised ones dequantised. @param replace as in `SaveOptions` */
export function parametersToSave(
  model: CausalLM | SequenceClassifier,
  replace: NonNullable<SaveOptions["replace"]>,
): LazyParameter[] {
  return [...namedWeights(model)].map(([name, weight]) => ({
    name,
    shape: weight.shape,
    load: () => replace(name) ?? (weight instanceof FrozenWeight ? weight.dense() : detach(weight)),
  }));
}
