export {
  type GenerateBatchOptions,
  type Generated,
  type GenerationRequest,
  generateBatch,
} from "./generate-batch.ts";
export { generateTokens, type TokenEnd, type TokenOptions } from "./generate-tokens.ts";
export {
  type Continuation,
  type LikelihoodOptions,
  type LikelihoodRequest,
  type Likelihoods,
  logLikelihoods,
} from "./log-likelihood.ts";
export { encodePrompt } from "./prompts.ts";
export { type ExampleResult, ResultLog } from "./result-log.ts";
export { runTask, type TaskSummary } from "./run-task.ts";
export type { Sampling } from "./sampling.ts";
export type { TaskModel, TaskSettings } from "./scoring-mode.ts";
export { streamText, type TextEnd, type TextOptions } from "./stream-text.ts";
