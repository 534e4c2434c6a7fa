import { ConfigReader } from "../config-reader.ts";
import type { DecoderConfig } from "../decoder/config.ts";
import { readCommonDecoderConfig, uniformLayers } from "../decoder/read-config.ts";
import { readRope } from "../rope-config.ts";

/**
 * Reads `config.json` of a Llama model; defaults are those of transformers' `LlamaConfig`. A key that changes the model's
 * outputs is implemented or refused; an unknown key is refused.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseLlamaConfig(values: Readonly<Record<string, unknown>>, where: string): DecoderConfig {
  const config = new ConfigReader(values, where);
  const decoder = readCommonDecoderConfig(config, {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 11_008,
    num_attention_heads: 32,
    max_position_embeddings: 2048,
  });
  const attentionBias = config.boolean("attention_bias", false);
  // How products were split over devices in pretraining; the outputs do not depend on it.
  config.value("pretraining_tp");
  config.allowOnly("is_llama_config", [true], "a config of another family");
  config.allowOnly("sliding_window", [], "Llama attention is never windowed");
  const layers = config.numHiddenLayers(32);
  const result: DecoderConfig = {
    ...decoder,
    family: "llama",
    layers: uniformLayers(layers, { slidingWindow: undefined, rope: readRope(config, where, decoder) }),
    biases: { queryKeyValue: attentionBias, output: attentionBias, mlp: config.boolean("mlp_bias", false) },
  };
  config.throwIfInvalid();
  return result;
}
