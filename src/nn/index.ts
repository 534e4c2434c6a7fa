export { type Activation, actAndMul, activations } from "./activations.ts";
export {
  bidirectionalAttention,
  decodeStepAttention,
  groupByLength,
  isDecodeStep,
  type SequenceGroup,
  streamAttention,
} from "./attention.ts";
export {
  advanceCaches,
  type CausalLM,
  type CommonModelInfo,
  type ModelInfo,
  sequenceOffsets,
  type TokenStream,
  type TrainingPass,
  tokenStream,
} from "./causal-lm.ts";
export {
  type ClassifierInfo,
  isClassifier,
  type SequenceClassifier,
  type TrainableModel,
} from "./classifier.ts";
export { concatenate } from "./concatenate.ts";
export { deviceOf, requireModel, requireWeights } from "./device-of.ts";
export { dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export { allFinite, countNonFinite } from "./finite.ts";
export type { FrozenDelta } from "./frozen-delta.ts";
export { countWeights, FrozenWeight, namedWeights } from "./frozen-weight.ts";
export { KeyValueCache } from "./kv-cache.ts";
export { LayerNorm } from "./layer-norm.ts";
export { Linear, type LinearAdapter } from "./linear.ts";
export { LMHead } from "./lm-head.ts";
export { Module } from "./module.ts";
export { Nf4Base, type Nf4Codebook, Nf4Weight, nf4Codebook } from "./nf4.ts";
export {
  makeParameterSource,
  type ParameterKind,
  type ParameterSource,
  randomParameters,
} from "./parameter-source.ts";
export { Q8Weight, q8BlockSize } from "./q8-weight.ts";
export { QuantisedWeight, quantisedWeights } from "./quantised-weight.ts";
export type { AttentionOptions, QueryKeyValue } from "./query-key-value.ts";
export { backward, RecomputedPass, runBlocks, scopeOfPass } from "./recompute.ts";
export { RMSNorm, type RMSNormOptions } from "./rms-norm.ts";
export {
  type RopeFrequencies,
  type RopeParameters,
  type RopeShape,
  ropeFrequencies,
} from "./rope-frequencies.ts";
export { applyRotary, type RotaryCosSin, RotaryEmbedding } from "./rotary-embedding.ts";
export { isSharded } from "./sharded-model.ts";
export { ShardedNf4Weight } from "./sharded-nf4.ts";
export { ShardedTensor } from "./sharded-tensor.ts";
export { type RowSlice, type ShardGroup, WeightShards } from "./weight-shards.ts";
