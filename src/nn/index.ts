export { type Activation, activations } from "./activations.ts";
export {
  type AttentionRule,
  bidirectionalAttention,
  type Heads,
  type Segment,
  segments,
  streamAttention,
} from "./attention.ts";
export {
  advanceCaches,
  type CausalLM,
  type CommonInfo,
  type ModelInfo,
  sequenceOffsets,
  type TokenStream,
  tokenStream,
} from "./causal-lm.ts";
export {
  type ClassifierInfo,
  isClassifier,
  type SequenceClassifier,
  type TrainedModel,
} from "./classifier.ts";
export { dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export type { FrozenFactors } from "./frozen-factors.ts";
export { KeyValueCache } from "./kv-cache.ts";
export { LayerNorm } from "./layer-norm.ts";
export { Linear, type LinearAdapter } from "./linear.ts";
export { LMHead } from "./lm-head.ts";
export { Module } from "./module.ts";
export { type Nf4Codebook, Nf4Weight, namedWeights, nf4Codebook, quantisedWeights } from "./nf4.ts";
export { type ParameterKind, type ParameterSource, parameterSource, randomParameters } from "./parameters.ts";
export { RMSNorm, type RMSNormOptions } from "./rms-norm.ts";
export { type RopeParameters, type RopeShape, type RopeTable, ropeTable } from "./rope.ts";
export { Rotary, type Rotation, rotate } from "./rotary.ts";
