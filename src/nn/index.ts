export { type Activation, activations } from "./activations.js";
export { type AttentionRule, type Heads, streamAttention } from "./attention.js";
export {
  advanceCaches,
  type CausalLM,
  type ModelInfo,
  sequenceOffsets,
  type TokenStream,
  tokenStream,
} from "./causal-lm.js";
export { Embedding } from "./embedding.js";
export { KeyValueCache } from "./kv-cache.js";
export { Linear, type LinearAdapter } from "./linear.js";
export { LMHead } from "./lm-head.js";
export { Module } from "./module.js";
export { type ParameterKind, type ParameterSource, parameterSource, randomParameters } from "./parameters.js";
export { RMSNorm, type RMSNormOptions } from "./rms-norm.js";
export { type RopeParameters, type RopeShape, type RopeTable, ropeTable } from "./rope.js";
export { Rotary, type Rotation, rotate } from "./rotary.js";
