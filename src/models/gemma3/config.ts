import { ConfigReader } from "../config-reader.ts";
import type { DecoderConfig } from "../decoder/config.ts";
import { readLayerTypes, slidingWindowLayers } from "../decoder/read-config.ts";
import { readCommonGemmaConfig } from "../gemma2/config.ts";
import { readRopesByLayerType } from "../rope-config.ts";

/**
 * Reads `config.json` of a Gemma 3 text model: as Gemma 2, with normalised queries and keys in place of soft-capped scores,
 * and a separate rotary base for sliding-window layers; defaults are those of transformers' `Gemma3TextConfig`.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseGemma3TextConfig(
  values: Readonly<Record<string, unknown>>,
  where: string,
): DecoderConfig {
  const config = new ConfigReader(values, where);
  const decoder = readCommonGemmaConfig(config, { vocab_size: 262_208, max_position_embeddings: 131_072 });
  const layers = config.numHiddenLayers(26);
  const pattern = config.positiveInteger("sliding_window_pattern", 6);
  const types = readLayerTypes(config, layers, (layer) =>
    (layer + 1) % pattern === 0 ? "full_attention" : "sliding_attention",
  );
  const window = config.positiveIntegerOrNull("sliding_window", 4096);
  config.allowOnly("attn_logit_softcapping", [], "transformers' Gemma 3 has no soft cap on scores");
  const result: DecoderConfig = {
    ...decoder,
    family: "gemma3_text",
    layers: slidingWindowLayers(config, types, window, readRopesByLayerType(config, where, decoder)),
    queryKeyNorm: true,
    finalLogitSoftcap: config.positiveNumberOrNull("final_logit_softcapping"),
  };
  config.throwIfInvalid();
  return result;
}

/**
 * Reads `config.json` of a multimodal Gemma 3 model (`model_type: gemma3`), for its text part.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseGemma3Config(values: Readonly<Record<string, unknown>>, where: string): DecoderConfig {
  const config = new ConfigReader(values, where);
  const text = config.object("text_config") ?? {};
  for (const key of imageKeys) config.value(key);
  config.allowOnly("quantization_config", [], "quantised weights");
  const tieEmbeddings = config.boolean("tie_word_embeddings", true);
  config.throwIfInvalid();
  const decoder = parseGemma3TextConfig(text, `${where}, text_config`);
  return {
    ...decoder,
    family: "gemma3",
    leftOut: "the modules for images (vision_tower, multi_modal_projector)",
    tieEmbeddings,
  };
}

/** Keys that concern images only. */
const imageKeys = [
  "vision_config",
  "mm_tokens_per_image",
  "boi_token_index",
  "eoi_token_index",
  "image_token_index",
];
