import { activations, type RopeParameters } from "../../nn/index.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { DecoderConfig, LayerConfig } from "./config.ts";

/** A family's defaults of the keys that every decoder has. */
export interface DecoderDefaults {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_attention_heads: number;
  /** Default: the number of heads. */
  num_key_value_heads?: number;
  /** Default: hidden_size / num_attention_heads. */
  head_dim?: number;
  max_position_embeddings: number;
  tie_word_embeddings?: boolean;
  /** Key of the activation (`hidden_act` in most families), and its default. */
  activation?: readonly [key: string, fallback: string];
}

/** The config that all families share; each family completes it. */
export type CommonDecoderConfig = Omit<DecoderConfig, "family" | "layers">;

/** Reads the keys that every decoder has; everything else is as in a Llama without biases. */
export function readCommonDecoderConfig(
  config: ConfigReader,
  defaults: DecoderDefaults,
): CommonDecoderConfig {
  const heads = readHeads(config, defaults);
  refuseUnsupportedKeys(config);
  return {
    ...heads,
    vocabSize: config.positiveInteger("vocab_size", defaults.vocab_size),
    intermediateSize: config.positiveInteger("intermediate_size", defaults.intermediate_size),
    maxPositions: config.positiveInteger("max_position_embeddings", defaults.max_position_embeddings),
    norm: { epsilon: config.number("rms_norm_eps", 0, 1e-6) },
    queryKeyNorm: false,
    sandwichNorms: false,
    biases: { queryKeyValue: false, output: false, mlp: false },
    activation: readActivation(config, ...(defaults.activation ?? ["hidden_act", "silu"])),
    attentionScale: heads.headDim ** -0.5,
    attentionLogitSoftcap: undefined,
    finalLogitSoftcap: undefined,
    embeddingScale: undefined,
    tieEmbeddings: config.boolean("tie_word_embeddings", defaults.tie_word_embeddings ?? false),
    initializerRange: config.number("initializer_range", 0, 0.02),
  };
}

function readHeads(config: ConfigReader, defaults: DecoderDefaults) {
  const hiddenSize = config.positiveInteger("hidden_size", defaults.hidden_size);
  const heads = config.positiveInteger("num_attention_heads", defaults.num_attention_heads);
  const ownGroups = config.isNull("num_key_value_heads") ? heads : (defaults.num_key_value_heads ?? heads);
  const keyValueHeads = config.positiveInteger("num_key_value_heads", ownGroups);
  const headDim = config.positiveInteger("head_dim", defaults.head_dim ?? Math.floor(hiddenSize / heads));
  const isDivided = config.value("head_dim") === undefined && defaults.head_dim === undefined;
  if (isDivided && hiddenSize % heads !== 0) {
    config.addProblem(`hidden_size: ${hiddenSize} is not a multiple of num_attention_heads (${heads})`);
  }
  if (heads % keyValueHeads !== 0) {
    config.addProblem(
      `num_attention_heads: ${heads} is not a multiple of num_key_value_heads (${keyValueHeads})`,
    );
  }
  if (headDim % 2 !== 0)
    config.addProblem(`head_dim: rotary embeddings need an even number, found ${headDim}`);
  return { hiddenSize, heads, keyValueHeads, headDim };
}

function readActivation(config: ConfigReader, key: string, fallback: string): string {
  const activation = config.string(key, fallback);
  if (!activations.has(activation)) {
    const known = [...activations.keys()].join(", ");
    config.addProblem(`${key}: expected ${known}, found ${JSON.stringify(activation)}`);
  }
  return activation;
}

/** Refuses keys that would change a decoder's outputs, unless their value is neutral. */
function refuseUnsupportedKeys(config: ConfigReader): void {
  config.allowOnly(
    "attention_dropout",
    [0],
    "it acts in training only: set it to 0 in config.json to train without it",
  );
  config.allowOnly("use_bidirectional_attention", [false], "a causal decoder is expected");
  config.allowOnly("rope_interleaved", [false], "another layout of the rotated pairs");
  config.allowOnly("quantization_config", [], "quantised weights");
  config.allowOnly("pruned_heads", [{}], "pruned attention heads");
  config.allowOnly("is_encoder_decoder", [false], "a decoder is expected");
  config.allowOnly("is_decoder", [true, false], "a decoder is expected");
  config.allowOnly("add_cross_attention", [false], "cross-attention");
  config.allowOnly("cross_attention_hidden_size", [], "cross-attention");
  config.allowOnly("tie_encoder_decoder", [false], "a decoder is expected");
  config.allowOnly("chunk_size_feed_forward", [0], "chunked feed-forward layers");
}

/** The layer types of configs. */
export type LayerType = "full_attention" | "sliding_attention";

/**
 * Reads `layer_types`.
 * @param fallback the type of layer i where the config names none
 */
export function readLayerTypes(
  config: ConfigReader,
  count: number,
  fallback: (layer: number) => LayerType,
): readonly LayerType[] {
  const value = config.value("layer_types");
  const own = Array.from({ length: count }, (_, i) => fallback(i));
  if (value === undefined) return own;
  if (Array.isArray(value) && value.length === count && value.every(isLayerType)) return value;
  const expected = `${count} times full_attention or sliding_attention, as num_hidden_layers says`;
  config.addProblem(`layer_types: expected ${expected}, found ${JSON.stringify(value)}`);
  return own;
}

function isLayerType(value: unknown): value is LayerType {
  return value === "full_attention" || value === "sliding_attention";
}

/** Layers of which some have a sliding window of `sliding_window` tokens. */
export function slidingWindowLayers(
  config: ConfigReader,
  types: readonly LayerType[],
  window: number | undefined,
  ropes: Readonly<Record<LayerType, RopeParameters>>,
): LayerConfig[] {
  if (window === undefined && types.includes("sliding_attention")) {
    config.addProblem("layer_types: sliding_attention needs a sliding_window, and this config has none");
  }
  return types.map((type) => ({
    slidingWindow: type === "sliding_attention" ? window : undefined,
    rope: ropes[type],
  }));
}

/** Layers with equal settings. */
export function uniformLayers(count: number, layer: LayerConfig): LayerConfig[] {
  return Array.from({ length: count }, () => layer);
}
