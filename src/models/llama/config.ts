import { activations, type RopeParameters } from "../../nn/index.js";
import { ConfigReader } from "../config-reader.js";
import { readRope } from "../rope-config.js";

/** Everything of a Llama config that changes what the model computes. */
export interface LlamaConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  maxPositions: number;
  normEpsilon: number;
  activation: string;
  attentionBias: boolean;
  mlpBias: boolean;
  tieEmbeddings: boolean;
  /** Standard deviation of fresh weights. */
  initializerRange: number;
  rope: RopeParameters;
}

/**
 * Reads `config.json` of a Llama model; defaults are those of transformers' `LlamaConfig`. A key that changes the
 * maths is implemented here or refused; an unknown key is refused.
 * @param where the file, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseLlamaConfig(values: Readonly<Record<string, unknown>>, where: string): LlamaConfig {
  const config = new ConfigReader(values, where);
  const hiddenSize = config.count("hidden_size", 4096);
  const heads = config.count("num_attention_heads", 32);
  const keyValueHeads = config.count("num_key_value_heads", heads);
  const headDim = config.count("head_dim", Math.floor(hiddenSize / heads));
  const maxPositions = config.count("max_position_embeddings", 2048);
  if (config.value("head_dim") === undefined && hiddenSize % heads !== 0) {
    config.fail(`hidden_size: ${hiddenSize} is not a multiple of num_attention_heads (${heads})`);
  }
  if (heads % keyValueHeads !== 0) {
    config.fail(`num_attention_heads: ${heads} is not a multiple of num_key_value_heads (${keyValueHeads})`);
  }
  if (headDim % 2 !== 0) config.fail(`head_dim: rotary embeddings need an even number, found ${headDim}`);
  const activation = config.text("hidden_act", "silu");
  if (!activations.has(activation)) {
    config.fail(
      `hidden_act: expected ${[...activations.keys()].join(", ")}, found ${JSON.stringify(activation)}`,
    );
  }
  refuseOtherMaths(config);
  const result: LlamaConfig = {
    vocabSize: config.count("vocab_size", 32_000),
    hiddenSize,
    intermediateSize: config.count("intermediate_size", 11_008),
    layers: config.count("num_hidden_layers", 32),
    heads,
    keyValueHeads,
    headDim,
    maxPositions,
    normEpsilon: config.number("rms_norm_eps", 0, 1e-6),
    activation,
    attentionBias: config.flag("attention_bias", false),
    mlpBias: config.flag("mlp_bias", false),
    tieEmbeddings: config.flag("tie_word_embeddings", false),
    initializerRange: config.number("initializer_range", 0, 0.02),
    rope: readRope(config, where, { headDim, maxPositions }),
  };
  config.finish();
  return result;
}

/** Keys that other models of this family's name carry; with these values they change nothing. */
function refuseOtherMaths(config: ConfigReader): void {
  config.only(
    "attention_dropout",
    [0],
    "it acts in training only: set it to 0 in config.json to train without it",
  );
  // How a product was once cut up for training on several devices; the numbers do not depend on it.
  config.value("pretraining_tp");
  config.only("rope_interleaved", [false], "another layout of the rotated pairs");
  config.only("is_llama_config", [true], "a config of another family");
  config.only("quantization_config", [], "quantised weights");
  config.only("sliding_window", [], "Llama attention is never windowed");
  config.only("pruned_heads", [{}], "pruned attention heads");
  config.only("is_encoder_decoder", [false], "a decoder is expected");
  config.only("is_decoder", [true, false], "a decoder is expected");
  config.only("add_cross_attention", [false], "cross-attention");
  config.only("cross_attention_hidden_size", [], "cross-attention");
  config.only("tie_encoder_decoder", [false], "a decoder is expected");
  config.only("chunk_size_feed_forward", [0], "chunked feed-forward layers");
}
