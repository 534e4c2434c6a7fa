import type { RMSNormOptions, RopeParameters } from "../../nn/index.ts";

/** Settings that differ between the layers of a decoder. */
export interface LayerConfig {
  /** Tokens that a token attends to, itself included; undefined: all earlier ones. */
  slidingWindow: number | undefined;
  /** Layers with equal rotary embeddings share one object. */
  rope: RopeParameters;
}

/** The keys of a decoder's config that change the model's outputs. */
export interface DecoderConfig {
  /** `model_type` of the config. */
  family: string;
  /** What a multimodal model's files hold beside the decoder, in words. */
  leftOut?: string;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: readonly LayerConfig[];
  heads: number;
  keyValueHeads: number;
  headDim: number;
  maxPositions: number;
  norm: RMSNormOptions;
  /** Whether queries and keys are normalised per head. */
  queryKeyNorm: boolean;
  /** Whether attention and MLP are followed, not only preceded, by a norm. */
  sandwichNorms: boolean;
  /** Which linear layers have a bias: q, k and v projections; output projection; MLP. */
  biases: { queryKeyValue: boolean; output: boolean; mlp: boolean };
  activation: string;
  /** Attention scores are multiplied by it. */
  attentionScale: number;
  attentionLogitSoftcap: number | undefined;
  finalLogitSoftcap: number | undefined;
  /** Embeddings are multiplied by it. */
  embeddingScale: number | undefined;
  tieEmbeddings: boolean;
  /** Standard deviation of newly initialised weights. */
  initializerRange: number;
}
