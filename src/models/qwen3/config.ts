import { ConfigReader } from "../config-reader.ts";
import type { DecoderConfig } from "../decoder/config.ts";
import { readCommonDecoderConfig } from "../decoder/read-config.ts";
import { qwenDefaults, readQwenLayers } from "../qwen2/config.ts";

/**
 * Reads `config.json` of a Qwen 3 model: as Qwen 2, with normalised queries and keys in place of biases; defaults are those
 * of transformers' `Qwen3Config`.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseQwen3Config(values: Readonly<Record<string, unknown>>, where: string): DecoderConfig {
  const config = new ConfigReader(values, where);
  const decoder = readCommonDecoderConfig(config, { ...qwenDefaults, head_dim: 128 });
  const attentionBias = config.boolean("attention_bias", false);
  const result: DecoderConfig = {
    ...decoder,
    family: "qwen3",
    layers: readQwenLayers(config, where, decoder),
    queryKeyNorm: true,
    biases: { queryKeyValue: attentionBias, output: attentionBias, mlp: false },
  };
  config.throwIfInvalid();
  return result;
}
