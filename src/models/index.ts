import { resolve } from "node:path";
import type { GgufDescription, LazyParameter } from "../gguf/export.ts";
import { configLocation, readModelConfig, writeModelFolder } from "../model-files/model-folder.ts";
import { ModelWeights } from "../model-files/model-weights.ts";
import {
  type CausalLM,
  isClassifier,
  Nf4Weight,
  namedWeights,
  randomParameters,
  type SequenceClassifier,
} from "../nn/index.ts";
import type { LazyTensor } from "../safetensors/index.ts";
import { type DType, detach, type Generator, type Tensor, toDType } from "../torch/index.ts";
import type { JsonObject } from "../util/json-file.ts";
import { classifierFamilies, writeClassifierConfig } from "./classifiers.ts";
import { gemma2 } from "./gemma2/index.ts";
import { gemma3, gemma3Text } from "./gemma3/index.ts";
import { llama } from "./llama/index.ts";
import { mistral } from "./mistral/index.ts";
import { type ModelFamily, type ParsedModel, resolveFamily } from "./model-family.ts";
import { qwen2 } from "./qwen2/index.ts";
import { qwen3 } from "./qwen3/index.ts";
import {
  type LoadDType,
  type Quantization,
  storedDType,
  storedTensorsEqual,
  WeightLoader,
} from "./weight-loader.ts";

export type { ModelInfo } from "../nn/index.ts";
export {
  type ClassifierOptions,
  createClassifier,
  isClassifierFolder,
  loadClassifier,
} from "./classifiers.ts";
export type { LoadDType, Quantization } from "./weight-loader.ts";

const families: ReadonlyMap<string, ModelFamily> = new Map([
  ["llama", llama],
  ["mistral", mistral],
  ["qwen2", qwen2],
  ["qwen3", qwen3],
  ["gemma2", gemma2],
  ["gemma3_text", gemma3Text],
  ["gemma3", gemma3],
]);

/** The `model_type`s that can be loaded: decoders, then encoders. */
export function modelFamilies(): string[] {
  return [...families.keys(), ...classifierFamilies()];
}

/** Options of `loadModel`. */
export interface LoadOptions {
  /** Dtype of all weights; `auto`, the default, is that of the files (float16 becomes float32). */
  readonly dtype?: LoadDType;
  /** Device; "cpu" by default. */
  readonly device?: string;
  /** `nf4` quantises the linear layers of blocks to 4 bits; "none" by default. */
  readonly quantization?: Quantization | undefined;
}

/**
 * Loads a Hugging Face model folder or a GGUF file.
 * @throws ScaloraError `model` or `format`
 */
export async function loadModel(
  folder: string,
  { dtype = "auto", device = "cpu", quantization }: LoadOptions = {},
): Promise<CausalLM> {
  const parsed = parseConfig(readModelConfig(folder), configLocation(folder));
  using weights = ModelWeights.open(folder, parsed.rename);
  const loader = new WeightLoader(weights, folder, {
    dtype: dtype === "auto" ? storedDType(weights) : dtype,
    device,
    quantization,
  });
  return loader.load((source) => parsed.build(source, isTied(parsed, weights)), parsed.ignoredWeights);
}

/**
 * A new model with random weights, for training from scratch.
 * @param config as in `config.json`
 */
export function createModel(
  config: Readonly<Record<string, unknown>>,
  generator: Generator,
  dtype: DType = "float32",
): CausalLM {
  const parsed = parseConfig(config, "the given config");
  return parsed.build(randomParameters(generator, parsed.initializerRange, dtype), parsed.tieEmbeddings);
}

export interface SaveOptions {
  /** Dtype of all weights in the files; that of the model by default. */
  dtype?: DType;
  /** Returns the tensor to write instead of a parameter (a merged weight), or undefined to write the parameter. */
  replace?: (name: string) => Tensor | undefined;
}

/**
 * Writes a complete Hugging Face folder, atomically: the source's config (with the dtype of the files, and a classifier's
 * labels) and tokenizer files, and the model's weights.
 * @throws ScaloraError `usage` when the folder is not empty, `run` when it cannot be written
 */
export function saveModel(
  model: CausalLM | SequenceClassifier,
  sourceFolder: string,
  outFolder: string,
  options: SaveOptions = {},
): void {
  const config = readModelConfig(sourceFolder);
  saveModelWithConfig(model, config, resolve(sourceFolder), outFolder, options);
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
  const family = typeof type === "string" ? families.get(type) : undefined;
  const written: JsonObject = new Map(family?.savedConfig?.(config) ?? config);
  const oldKey = written.has("torch_dtype") && !written.has("dtype");
  written.set(oldKey ? "torch_dtype" : "dtype", dtype);
  if (isClassifier(model)) writeClassifierConfig(written, model);
  else written.set("tie_word_embeddings", model.info.tiedEmbeddings);
  writeModelFolder(outFolder, { config: written, weights, auxiliarySource: companions });
}

/**
 * The GGUF metadata of a model folder's or GGUF file's model.
 * @throws ScaloraError `usage` for a model that GGUF cannot represent
 */
export function describeModelForGguf(source: string, { tied }: { tied?: boolean } = {}): GgufDescription {
  const config = readModelConfig(source);
  if (tied !== undefined) config.set("tie_word_embeddings", tied);
  return parseConfig(config, configLocation(source)).describeForGguf();
}

/** The parameters of a model to be written, quantised ones dequantised. @param replace as in `SaveOptions` */
export function parametersToSave(
  model: CausalLM | SequenceClassifier,
  replace: NonNullable<SaveOptions["replace"]>,
): LazyParameter[] {
  return [...namedWeights(model)].map(([name, weight]) => ({
    name,
    shape: weight.shape,
    load: () => replace(name) ?? (weight instanceof Nf4Weight ? weight.dequantise() : detach(weight)),
  }));
}

function parseConfig(config: JsonObject | Readonly<Record<string, unknown>>, where: string): ParsedModel {
  const { family, values } = resolveFamily(config, where, families, {
    names: classifierFamilies(),
    load: "loadClassifier",
  });
  return family.parse(values, where);
}

/**
 * As transformers does: a tied config is untied when the files hold an output layer that differs from the embedding.
 */
function isTied({ tieEmbeddings }: ParsedModel, weights: ModelWeights): boolean {
  const [output, embedding] = ["lm_head.weight", "model.embed_tokens.weight"];
  if (!tieEmbeddings || !weights.has(output) || !weights.has(embedding)) return tieEmbeddings;
  return storedTensorsEqual(weights, output, embedding);
}
