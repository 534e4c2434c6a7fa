import { ConfigReader } from "../config-reader.ts";
import type { DecoderConfig } from "../decoder/config.ts";
import {
  type CommonDecoderConfig,
  type DecoderDefaults,
  readCommonDecoderConfig,
  readLayerTypes,
  slidingWindowLayers,
} from "../decoder/read-config.ts";
import { readRope } from "../rope-config.ts";

/**
 * Reads `config.json` of a Gemma 2 model: norms with weights 1 + w before and after attention and MLP, scaled embeddings,
 * soft-capped scores and logits, a sliding window on every second layer; defaults are those of transformers' `Gemma2Config`.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseGemma2Config(values: Readonly<Record<string, unknown>>, where: string): DecoderConfig {
  const config = new ConfigReader(values, where);
  const decoder = readCommonGemmaConfig(config, { vocab_size: 256_000, max_position_embeddings: 8192 });
  const layers = config.numHiddenLayers(26);
  const types = readLayerTypes(config, layers, (layer) =>
    layer % 2 === 0 ? "sliding_attention" : "full_attention",
  );
  const window = config.positiveIntegerOrNull("sliding_window", 4096);
  const rope = readRope(config, where, decoder);
  const result: DecoderConfig = {
    ...decoder,
    family: "gemma2",
    layers: slidingWindowLayers(config, types, window, { full_attention: rope, sliding_attention: rope }),
    attentionLogitSoftcap: config.positiveNumberOrNull("attn_logit_softcapping", 50),
    finalLogitSoftcap: config.positiveNumberOrNull("final_logit_softcapping", 30),
  };
  config.throwIfInvalid();
  return result;
}

/** Reads the keys that Gemma 2 and 3 share. */
export function readCommonGemmaConfig(
  config: ConfigReader,
  own: Pick<DecoderDefaults, "vocab_size" | "max_position_embeddings">,
): CommonDecoderConfig {
  const decoder = readCommonDecoderConfig(config, {
    ...own,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    tie_word_embeddings: true,
    activation: ["hidden_activation", "gelu_pytorch_tanh"],
  });
  // Files have both keys; transformers uses hidden_activation.
  config.allowOnly("hidden_act", [decoder.activation], "hidden_activation names another activation");
  const attentionBias = config.boolean("attention_bias", false);
  return {
    ...decoder,
    norm: { ...decoder.norm, addUnitOffset: true },
    sandwichNorms: true,
    biases: { queryKeyValue: attentionBias, output: attentionBias, mlp: false },
    attentionScale: config.positiveInteger("query_pre_attn_scalar", 256) ** -0.5,
    embeddingScale: Math.sqrt(decoder.hiddenSize),
  };
}
