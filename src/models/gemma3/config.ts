import { ConfigReader } from "../config-reader.js";
import type { DecoderConfig } from "../decoder/config.js";
import { readLayerTypes, windowedLayers } from "../decoder/read-config.js";
import { readGemma } from "../gemma2/config.js";
import { readRopes } from "../rope-config.js";

/**
 * Reads `config.json` of a Gemma 3 text model: as Gemma 2, with norms of queries and keys in place of the soft cap on
 * scores, and a rotary base of their own for windowed layers; defaults are those of transformers' `Gemma3TextConfig`.
 * @param where the file, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseGemma3TextConfig(
  values: Readonly<Record<string, unknown>>,
  where: string,
): DecoderConfig {
  const config = new ConfigReader(values, where);
  const decoder = readGemma(config, { vocab_size: 262_208, max_position_embeddings: 131_072 });
  const layers = config.count("num_hidden_layers", 26);
  const pattern = config.count("sliding_window_pattern", 6);
  const types = readLayerTypes(config, layers, (layer) =>
    (layer + 1) % pattern === 0 ? "full_attention" : "sliding_attention",
  );
  const window = config.countOrNone("sliding_window", 4096);
  config.only("attn_logit_softcapping", [], "transformers' Gemma 3 has no soft cap on scores");
  const result: DecoderConfig = {
    ...decoder,
    family: "gemma3_text",
    layers: windowedLayers(config, types, window, readRopes(config, where, decoder)),
    queryKeyNorm: true,
    logitSoftCap: config.positiveOrNone("final_logit_softcapping"),
  };
  config.finish();
  return result;
}
