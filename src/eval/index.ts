export {
  type BatchOptions,
  type Generated,
  type GenerationRequest,
  generateBatch,
} from "./generate-batch.js";
export { generateText, type TextEnd, type TextOptions } from "./generate-text.js";
export { generateTokens, type TokenEnd, type TokenOptions } from "./generate-tokens.js";
export {
  type Continuation,
  type LikelihoodOptions,
  type LikelihoodRequest,
  type Likelihoods,
  logLikelihoods,
} from "./log-likelihood.js";
export type { Sampling } from "./sampling.js";
