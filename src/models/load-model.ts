import { locateModel } from "../model-files/locate-model.ts";
import { configLocation, readModelConfig } from "../model-files/model-config.ts";
import { ModelWeights } from "../model-files/model-weights.ts";
import { type CausalLM, randomParameters, type WeightShards } from "../nn/index.ts";
import type { DType, Generator } from "../torch/index.ts";
import type { JsonObject } from "../util/json-file.ts";
import { parseConfig } from "./families.ts";
import type { ParsedModel } from "./model-family.ts";
import {
  type LoadDType,
  type Quantization,
  storedDType,
  storedTensorsEqual,
  WeightLoader,
} from "./weight-loader.ts";

/** Options of `loadModel`. */
export interface LoadOptions {
  /** Dtype of all weights; `auto`, the default, is that of the files (float16 becomes float32). */
  readonly dtype?: LoadDType;
  /** Device; "cpu" by default. */
  readonly device?: string;
  /** "none" by default. */
  readonly quantization?: Quantization | undefined;
  /**
   * On the CPU, copies weights into huge pages, from which a decoding step reads them faster; otherwise, by default, those that
   * are stored in the dtype stay mapped from their files.
   */
  readonly hugePages?: boolean | undefined;
  /** Shares weights out between ranks, which all load the same; on the CPU. */
  readonly shards?: WeightShards | undefined;
}

/**
 * Loads a Hugging Face model folder or a GGUF file.
 * @param path of the folder or file, or the name of a fetched model (`npx scalora get` lists them)
 * @param config of the folder, where it has been read already
 * @throws ScaloraError `model` or `format`
 */
export async function loadModel(
  path: string,
  { dtype = "auto", device = "cpu", quantization, hugePages, shards }: LoadOptions = {},
  config?: JsonObject,
): Promise<CausalLM> {
  const folder = locateModel(path);
  const parsed = parseConfig(config ?? readModelConfig(folder), configLocation(folder));
  using weights = ModelWeights.open(folder, parsed.rename);
  const loader = new WeightLoader(weights, folder, {
    dtype: dtype === "auto" ? storedDType(weights) : dtype,
    device,
    quantization,
    hugePages,
    shards,
  });
  const model = loader.load((source) => parsed.build(source, isTied(parsed, weights)), parsed.ignoredWeights);
  model.path = folder;
  return model;
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

/**
 * As transformers does: a tied config is untied when the files hold an output layer that differs from the embedding.
 */
function isTied({ tieEmbeddings }: ParsedModel, weights: ModelWeights): boolean {
  const [output, embedding] = ["lm_head.weight", "model.embed_tokens.weight"];
  if (!tieEmbeddings || !weights.has(output) || !weights.has(embedding)) return tieEmbeddings;
  return storedTensorsEqual(weights, output, embedding);
}
