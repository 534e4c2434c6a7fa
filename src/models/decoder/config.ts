import type { RMSNormOptions, RopeParameters } from "../../nn/index.ts";

/** What sets one layer of a decoder apart from the others. */
export interface LayerConfig {
  /** How many tokens a token sees, itself included; all where there is none. */
  slidingWindow: number | undefined;
  /** Layers that rotate alike share one object. */
  rope: RopeParameters;
}

/** Everything of a decoder's config that changes what the model computes. */
export interface DecoderConfig {
  /** `model_type` of the config. */
  family: string;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: readonly LayerConfig[];
  heads: number;
  keyValueHeads: number;
  headDim: number;
  maxPositions: number;
  norm: RMSNormOptions;
  /** Whether queries and keys are normalised head by head. */
  queryKeyNorm: boolean;
  /** Whether attention and MLP have a norm behind them too, not only before. */
  sandwichNorms: boolean;
  /** Which linear layers have a bias: the three before attention, the one behind it, those of the MLP. */
  biases: { queryKeyValue: boolean; output: boolean; mlp: boolean };
  activation: string;
  /** Attention scores are multiplied by it. */
  attentionScale: number;
  attentionLogitSoftcap: number | undefined;
  finalLogitSoftcap: number | undefined;
  /** Embeddings are multiplied by it. */
  embeddingScale: number | undefined;
  tieEmbeddings: boolean;
  /** Standard deviation of fresh weights. */
  initializerRange: number;
}
