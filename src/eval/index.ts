export {
  type BatchOptions,
  type Generated,
  type GenerationRequest,
  generateBatch,
} from "./generate-batch.js";
export { generateTokens, type TokenEnd, type TokenOptions } from "./generate-tokens.js";
export {
  type Continuation,
  type LikelihoodOptions,
  type LikelihoodRequest,
  type Likelihoods,
  logLikelihoods,
} from "./log-likelihood.js";
export { encodePrompt } from "./prompts.js";
export { ResultLog } from "./result-log.js";
export { runTask, type TaskSummary } from "./run-task.js";
export type { Sampling } from "./sampling.js";
export { streamText, type TextEnd, type TextOptions } from "./stream-text.js";
export type { TaskModel, TaskSettings } from "./task-mode.js";
