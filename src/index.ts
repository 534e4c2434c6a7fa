/**
 * scalora: fine-tuning of language models with high-rank, low-cost adapters, on libtorch. Importing it loads nothing native;
 * the first operator does, and fails with the one command that sets everything up when that has not run.
 */
export {
  type AdapterOptions,
  type AdapterSet,
  attach,
  attachFolder,
  type EventReport,
  type Moments,
  type StepContext,
  type Trainable,
  writeLora,
} from "./adapters/index.js";
export { ConfigError, loadRecipe, parseRecipe, type Recipe } from "./config/index.js";
export {
  type Batch,
  BatchSource,
  batchesInOrder,
  ChatTemplate,
  type Classes,
  collate,
  type DataConfig,
  type Dataset,
  type Example,
  type GlueTask,
  glueTasks,
  loadDataset,
  loadExamples,
  maskPreview,
} from "./data/index.js";
export {
  type BatchOptions,
  type Generated,
  type GenerationRequest,
  generateBatch,
  generateTokens,
  type LikelihoodOptions,
  type LikelihoodRequest,
  type Likelihoods,
  logLikelihoods,
  type Sampling,
  type TokenOptions,
} from "./eval/index.js";
export { readGlue, scoreGlue } from "./eval/tasks/glue/index.js";
export { loadTokenizer, type Tokenizer } from "./hub/tokenizer/index.js";
export {
  type ClassifierOptions,
  createModel,
  loadClassifier,
  loadModel,
  modelFamilies,
  saveModel,
} from "./models/index.js";
export {
  type CausalLM,
  type ClassifierInfo,
  type ModelInfo,
  type SequenceClassifier,
  type TokenStream,
  tokenStream,
} from "./nn/index.js";
export { AdamW, makeSchedule, type Optimizer, type Schedule, SGD } from "./optim/index.js";
export type {
  ChatMessage,
  GenerationSummary,
  RunResult,
  SamplingSettings,
  TaskReport,
  TaskRequest,
  TextGenerator,
} from "./recipes/api.js";
export { runTasks } from "./recipes/evaluate-tasks.js";
export { runExport } from "./recipes/export.js";
export { mergeAndSave } from "./recipes/export-merged.js";
export { generateText, openGenerator } from "./recipes/generate.js";
export { type RankReport, rankReport } from "./recipes/rank.js";
export { runTraining } from "./recipes/sft.js";
export * as torch from "./torch/index.js";
export { evaluateLoss } from "./train/evaluate.js";
export { hashModel } from "./train/model-hash.js";
export type { TrainOptions, TrainResult } from "./train/options.js";
export { type RunEvent, RunFolder } from "./train/run-files.js";
export { train } from "./train/trainer.js";
export { type ErrorCode, ScaloraError } from "./util/errors.js";
