/**
 * scalora: fine-tuning of language models with high-rank, low-cost adapters, on libtorch. Importing it loads nothing native;
 * the first operator does, and fails with the one command that sets everything up when that has not run.
 */
export { z } from "zod";
export {
  type AdapterConfig,
  type AdapterOptions,
  type AdapterParts,
  type AdapterSet,
  type AttachContext,
  adapterExportError,
  adapterSet,
  attach,
  attachFolder,
  Bank,
  type EventReport,
  findLayers,
  groupIntoBanks,
  type LayerScalingPreview,
  type LowRankLayers,
  listMethods,
  type Method,
  type MethodHooks,
  type Moments,
  type NamedLinear,
  type OptionsSchema,
  registerMethod,
  resolveModulesToSave,
  type ScalingEvents,
  type StepContext,
  type Trainable,
  targetFields,
  writeLora,
} from "./adapters/index.ts";
export { type RankReport, rankReport } from "./analysis/change-rank.ts";
export { ConfigError, loadPlugins, loadRecipe, parseRecipe, type Recipe } from "./config/index.ts";
export {
  type Batch,
  BatchSource,
  batchesInOrder,
  ChatTemplate,
  type ClassifierLabels,
  collate,
  type DataConfig,
  type Dataset,
  type Example,
  type GlueTask,
  glueTasks,
  type LoadDatasetOptions,
  type LoadExamplesOptions,
  loadDataset,
  loadExamples,
  maskPreview,
} from "./data/index.ts";
export {
  describeLaunch,
  type InitOptions,
  initProcessGroup,
  type Launch,
  readLaunch,
  type StoreAddress,
} from "./distributed/index.ts";
export {
  type GenerateBatchOptions as BatchOptions,
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
} from "./eval/index.ts";
export { readGlue, scoreGlue } from "./eval/tasks/glue/index.ts";
export {
  type ExportGgufOptions,
  type ExportOptions,
  type ExportSvdOptions,
  type ExportWithBaseOptions,
  exportGguf,
  exportSvd,
  exportWithBase,
  type MergeAndSaveOptions,
  mergeAndSave,
} from "./export/export-in-memory.ts";
export type { ExportResult } from "./export/export-request.ts";
export { runExport } from "./export/run-export.ts";
export type { ActivityEvent, FineTuneEvent } from "./fine-tune/activity-event.ts";
export { fineTune, openRun } from "./fine-tune/fine-tune.ts";
export type { FineTuneRun } from "./fine-tune/fine-tune-run.ts";
export type { OpenedRun } from "./fine-tune/opened-run.ts";
export type {
  ChatOptions,
  ChatRow,
  EvaluationOptions,
  FineTuneData,
  FineTuneOptions,
  GenerateOptions,
  GgufFileOptions,
  InstructionRow,
  MethodName,
  PromptRow,
  ResumeOptions,
  Row,
  SaveOptions,
  TextRow,
} from "./fine-tune/options.ts";
export type { StreamedText } from "./fine-tune/streamed-text.ts";
export { runTasks } from "./inference/evaluate-tasks.ts";
export { generateText, openGenerator } from "./inference/generate.ts";
export type { TaskReport, TaskRequest } from "./inference/task-request.ts";
export type {
  ChatMessage,
  GenerationSummary,
  SamplingSettings,
  TextGenerator,
} from "./inference/text-generator.ts";
export { loadTokenizer } from "./model-files/load-tokenizer.ts";
export {
  type ClassifierOptions,
  createModel,
  type LoadOptions,
  loadClassifier,
  loadModel,
  modelFamilies,
  saveModel,
} from "./models/index.ts";
export {
  type CausalLM,
  type ClassifierInfo,
  type LinearAdapter,
  type ModelInfo,
  type SequenceClassifier,
  type TokenStream,
  tokenStream,
} from "./nn/index.ts";
export { AdamW, makeSchedule, type Optimizer, type Schedule, SGD } from "./optim/index.ts";
export type { RunResult } from "./recipes/run-result.ts";
export { runTraining } from "./recipes/run-training.ts";
export { type ControlCommand, requestControl } from "./run/control-command.ts";
export { type EventType, eventsOfType, type RecordedEvent, type RunEvent } from "./run/events.ts";
export { listRuns, type RunEntry } from "./run/list-runs.ts";
export type { MethodReport } from "./run/method-report.ts";
export { readEvents } from "./run/read-events.ts";
export { RunFolder } from "./run/run-folder.ts";
export { type RecordedStatus, type RunStatus, readStatus } from "./run/status.ts";
export type { Tokenizer } from "./tokenizer/index.ts";
export * as torch from "./torch/index.ts";
export { type EvaluateOptions, evaluateLoss } from "./train/evaluate.ts";
export { hashModel } from "./train/model-hash.ts";
export type { TrainOptions, TrainResult } from "./train/train-options.ts";
export { train } from "./train/trainer.ts";
export { type ErrorCode, ScaloraError } from "./util/errors.ts";
