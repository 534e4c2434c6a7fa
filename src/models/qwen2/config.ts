import { ConfigReader } from "../config-reader.ts";
import type { DecoderConfig, LayerConfig } from "../decoder/config.ts";
import {
  type CommonDecoderConfig,
  readCommonDecoderConfig,
  readLayerTypes,
  slidingWindowLayers,
} from "../decoder/read-config.ts";
import { readRope } from "../rope-config.ts";

/** Defaults of Qwen 2 and 3. */
export const qwenDefaults = {
  vocab_size: 151_936,
  hidden_size: 4096,
  intermediate_size: 22_016,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  max_position_embeddings: 32_768,
};

/**
 * Reads `config.json` of a Qwen 2 or 2.5 model: biases on queries, keys and values, sliding windows on the upper layers;
 * defaults are those of transformers' `Qwen2Config`.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseQwen2Config(values: Readonly<Record<string, unknown>>, where: string): DecoderConfig {
  const config = new ConfigReader(values, where);
  const decoder = readCommonDecoderConfig(config, qwenDefaults);
  const result: DecoderConfig = {
    ...decoder,
    family: "qwen2",
    layers: readQwenLayers(config, where, decoder),
    biases: { queryKeyValue: true, output: false, mlp: false },
  };
  config.throwIfInvalid();
  return result;
}

/** With `use_sliding_window`, the layers from `max_window_layers` on have a sliding window. */
export function readQwenLayers(
  config: ConfigReader,
  where: string,
  decoder: CommonDecoderConfig,
): LayerConfig[] {
  const stated = config.positiveIntegerOrNull("sliding_window", 4096);
  const window = config.boolean("use_sliding_window", false) ? stated : undefined;
  const firstWindowed = config.number("max_window_layers", 0, 28);
  const layers = config.numHiddenLayers(32);
  const types = readLayerTypes(config, layers, (layer) =>
    window !== undefined && layer >= firstWindowed ? "sliding_attention" : "full_attention",
  );
  const rope = readRope(config, where, decoder);
  return slidingWindowLayers(config, types, window, { full_attention: rope, sliding_attention: rope });
}
