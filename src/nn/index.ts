export { type Activation, activations } from "./activations.js";
export {
  bidirectionalAttention,
  cachedAttention,
  causalAttention,
  type Heads,
  type Segment,
  segments,
} from "./attention.js";
export {
  type CausalLM,
  type CommonInfo,
  type ModelInfo,
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
export { KeyValueCache } from "./kv-cache.js";
export { LayerNorm } from "./layer-norm.js";
export { Linear, type LinearAdapter } from "./linear.js";
export { Module } from "./module.js";
export { type ParameterKind, type ParameterSource, parameterSource, randomParameters } from "./parameters.js";
export { RMSNorm } from "./rms-norm.js";
export { type RopeParameters, type RopeShape, type RopeTable, ropeTable } from "./rope.js";
export { Rotary, type Rotation, rotate } from "./rotary.js";
