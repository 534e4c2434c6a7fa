export { type Activation, activations } from "./activations.js";
export {
  type AttentionRule,
  bidirectionalAttention,
  type Heads,
  type Segment,
  segments,
  streamAttention,
} from "./attention.js";
export {
  advanceCaches,
  type CausalLM,
  type CommonInfo,
  type ModelInfo,
  sequenceOffsets,
  type TokenStream,
  tokenStream,
} from "./causal-lm.js";
export {
  type ClassifierInfo,
  isClassifier,
  type SequenceClassifier,
  type TrainedModel,
} from "./classifier.js";
export { dropout } from "./dropout.js";
export { Embedding } from "./embedding.js";
export type { FrozenFactors } from "./frozen-factors.js";
export { KeyValueCache } from "./kv-cache.js";
export { LayerNorm } from "./layer-norm.js";
export { Linear, type LinearAdapter } from "./linear.js";
export { LMHead } from "./lm-head.js";
export { Module } from "./module.js";
export { type Nf4Codebook, Nf4Weight, namedWeights, nf4Codebook, quantisedWeights } from "./nf4.js";
export { type ParameterKind, type ParameterSource, parameterSource, randomParameters } from "./parameters.js";
export { RMSNorm, type RMSNormOptions } from "./rms-norm.js";
export { type RopeParameters, type RopeShape, type RopeTable, ropeTable } from "./rope.js";
export { Rotary, type Rotation, rotate } from "./rotary.js";
