import type { GgufDescription } from "../gguf/index.ts";
import { configLocation, readModelConfig } from "../model-files/model-config.ts";
import type { JsonObject } from "../util/json-file.ts";
import { classifierFamilies } from "./classifier-families.ts";
import { gemma2 } from "./gemma2/family.ts";
import { gemma3, gemma3Text } from "./gemma3/family.ts";
import { llama } from "./llama/family.ts";
import { mistral } from "./mistral/family.ts";
import { type ModelFamily, type ParsedModel, resolveFamily } from "./model-family.ts";
import { qwen2 } from "./qwen2/family.ts";
import { qwen3 } from "./qwen3/family.ts";

/** The families of decoders by their `model_type`: one line for each. */
export const decoderFamilies: ReadonlyMap<string, ModelFamily> = new Map([
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
  return [...decoderFamilies.keys(), ...classifierFamilies()];
}

/** Reads a decoder's config by its family. @param where the file, for messages @throws ScaloraError `model` */
export function parseConfig(
  config: JsonObject | Readonly<Record<string, unknown>>,
  where: string,
): ParsedModel {
  const { family, values } = resolveFamily(config, where, decoderFamilies, {
    names: classifierFamilies(),
    load: "loadClassifier",
  });
  return family.parse(values, where);
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
