import { activations } from "../../nn/index.ts";
import type { ConfigReader } from "../config-reader.ts";
import { type ConfigLabels, readLabels } from "./labels.ts";

/** The keys, common to BERT, RoBERTa and DeBERTa, that change a model's outputs. */
export interface EncoderConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  /** Rows of the position table. */
  maxPositionEmbeddings: number;
  /** Rows of the token type table; 0: no table. */
  typeVocabSize: number;
  normEpsilon: number;
  activation: string;
  hiddenDropout: number;
  attentionDropout: number;
  /** Id of the token whose embedding gets no gradient; −1: none. */
  padTokenId: number;
  /** Standard deviation of newly initialised weights. */
  initializerRange: number;
  labels: ConfigLabels;
}

/** Defaults that differ between the families in transformers. */
interface Defaults {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  typeVocabSize: number;
  normEpsilon: number;
  padTokenId: number;
}

/** Reads the common keys, and refuses settings that no family supports. */
export function readEncoderConfig(config: ConfigReader, defaults: Defaults): EncoderConfig {
  refuseUnsupportedKeys(config);
  const padding = config.value("pad_token_id") === undefined ? undefined : config.number("pad_token_id", 0);
  return {
    vocabSize: config.positiveInteger("vocab_size", defaults.vocabSize),
    hiddenSize: config.positiveInteger("hidden_size", defaults.hiddenSize),
    intermediateSize: config.positiveInteger("intermediate_size", defaults.intermediateSize),
    layers: config.numHiddenLayers(defaults.layers),
    heads: config.positiveInteger("num_attention_heads", defaults.heads),
    maxPositionEmbeddings: config.positiveInteger("max_position_embeddings", 512),
    typeVocabSize: config.number("type_vocab_size", 0, defaults.typeVocabSize),
    normEpsilon: config.number("layer_norm_eps", 0, defaults.normEpsilon),
    activation: readActivation(config, "hidden_act", "gelu"),
    hiddenDropout: readDropoutRate(config, "hidden_dropout_prob", 0.1),
    attentionDropout: readDropoutRate(config, "attention_probs_dropout_prob", 0.1),
    padTokenId: padding ?? (config.has("pad_token_id") ? -1 : defaults.padTokenId),
    initializerRange: config.number("initializer_range", 0, 0.02),
    labels: readLabels(config),
  };
}

export function readActivation(config: ConfigReader, key: string, fallback: string): string {
  const name = config.string(key, fallback);
  if (!activations.has(name))
    config.addProblem(
      `${key}: expected ${[...activations.keys()].join(", ")}, found ${JSON.stringify(name)}`,
    );
  return name;
}

/** A dropout rate, at least 0 and below 1. */
export function readDropoutRate(config: ConfigReader, key: string, fallback: number): number {
  const rate = config.number(key, 0, fallback);
  if (rate >= 1) config.addProblem(`${key}: expected a number below 1, found ${rate}`);
  return rate;
}

/** The head size. Adds a problem where the hidden size is not a multiple of the head count. */
export function readHeadDim(config: ConfigReader, { hiddenSize, heads }: EncoderConfig): number {
  if (hiddenSize % heads !== 0)
    config.addProblem(`hidden_size: ${hiddenSize} is not a multiple of num_attention_heads (${heads})`);
  return hiddenSize / heads;
}

function refuseUnsupportedKeys(config: ConfigReader): void {
  config.allowOnly("is_decoder", [false], "an encoder is expected");
  config.allowOnly("is_encoder_decoder", [false], "an encoder is expected");
  config.allowOnly("add_cross_attention", [false], "cross-attention");
  config.allowOnly("cross_attention_hidden_size", [], "cross-attention");
  config.allowOnly("tie_encoder_decoder", [false], "an encoder is expected");
  config.allowOnly("quantization_config", [], "quantised weights");
  config.allowOnly("pruned_heads", [{}], "pruned attention heads");
  config.allowOnly("chunk_size_feed_forward", [0], "chunked feed-forward layers");
  // It concerns heads of masked language models only.
  config.value("tie_word_embeddings");
}
