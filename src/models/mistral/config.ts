import { ConfigReader } from "../config-reader.ts";
import type { DecoderConfig } from "../decoder/config.ts";
import { readCommonDecoderConfig, uniformLayers } from "../decoder/read-config.ts";
import { readRope } from "../rope-config.ts";

/**
 * Reads `config.json` of a Mistral model, a Llama with an optional sliding window in all layers; defaults are those of
 * transformers' `MistralConfig`.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseMistralConfig(values: Readonly<Record<string, unknown>>, where: string): DecoderConfig {
  const config = new ConfigReader(values, where);
  const decoder = readCommonDecoderConfig(config, {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 14_336,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
  });
  config.allowOnly("layer_types", [], "Mistral's layers are all alike");
  const window = config.positiveIntegerOrNull("sliding_window", 4096);
  const layers = config.numHiddenLayers(32);
  const result: DecoderConfig = {
    ...decoder,
    family: "mistral",
    layers: uniformLayers(layers, { slidingWindow: window, rope: readRope(config, where, decoder) }),
  };
  config.throwIfInvalid();
  return result;
}
