/**
 * What the verbs of the command line ask of the recipes, and what they get back. No tensor crosses this border, so
 * that help and listings never load the engine.
 */
import type { DataConfig, Recipe } from "../config/index.js";
import type { TaskSummary } from "../eval/run-task.js";
import type { RunEvent, Task } from "../train/run-events.js";
import type { Look } from "./analysis/figures.js";
import type { CellResult } from "./compare/cells.js";
import type { Setting } from "./compare/settings.js";
import type { CompareRow } from "./compare/summary.js";

export type {
  CheckpointEvent,
  EvalEvent,
  RunEvent,
  StartEvent,
  StepEvent,
  Task,
} from "../train/run-events.js";

/** What a long task reports to, and what stops it. */
export interface TaskHooks {
  /** Aborted by Ctrl-C or SIGTERM: the task saves what it must, then returns or throws the signal's reason. */
  signal: AbortSignal;
}

export interface RunHooks extends TaskHooks {
  onEvent(event: RunEvent): void;
  /** Go on from the run folder's newest valid checkpoint instead of starting. */
  resume?: boolean;
}

/** How a training run ended. */
export interface RunResult {
  /** The run's folder. */
  folder: string;
  task: Task;
  reason: "finished" | "early" | "stopped";
  step: number;
  totalSteps: number;
  /** Training loss of the last step, per label. */
  loss: number | null;
  evalLoss: number | null;
  bestEvalLoss: number | null;
  bestStep: number | null;
  /** Of a task's data: its score at that step, by which it is the best. */
  bestScore: number | null;
  parameters: { trainable: number; all: number };
  /** The newest checkpoint. */
  checkpoint: string | null;
  seconds: number;
  /** The part of it that recording for `scalora analyze` took; null where nothing is recorded. */
  analysisSeconds: number | null;
}

/** `src/recipes/sft.ts`: trains as a recipe says. A run stopped by the signal returns with reason `stopped`. */
export type RunTraining = (recipe: Recipe, hooks: RunHooks) => Promise<RunResult>;

/** A model to use: a Hugging Face folder or GGUF file, with or without an adapter, or a run's folder. */
export interface ModelTarget {
  path: string;
  /** PEFT adapter folder. */
  adapter?: string;
  /** Of a run: a checkpoint's name, `best` or `last`; `best` where there is one is the default. */
  checkpoint?: string;
  /** Default `auto`: a run's own precision, else float32. */
  dtype?: "auto" | "float32" | "bfloat16";
  /** How a model's weights within blocks are kept; default "none". Of a run: its own. */
  quantization?: "none" | "nf4";
  /** Default `auto`: a run's own device, else a GPU when there is one. */
  device?: string;
}

export interface EvaluationRequest {
  target: ModelTarget;
  /** Files of examples; of a run, its own held-out rows when none are given. */
  data: readonly string[];
  format?: Exclude<NonNullable<DataConfig["format"]>, "auto">;
  maxLength?: number;
}

export interface EvaluationResult {
  /** Mean over the labels: cross entropy in nats, or of a regression squared error. */
  loss: number;
  /** exp(loss), of language models. */
  perplexity?: number;
  /** Of a classification: the share of rows that get the right class. */
  accuracy?: number;
  /** Of a task's data: its official metrics by name, and their mean. */
  metrics?: Readonly<Record<string, number>>;
  score?: number;
  /** Labels: tokens, or rows of a classification. */
  labelTokens: number;
  rows: number;
  /** Of files: which of their rows were dropped, and how many were cut. */
  notes: readonly string[];
  seconds: number;
}

/** `src/recipes/evaluate.ts`. */
export type RunEvaluation = (
  request: EvaluationRequest,
  hooks: TaskHooks & { onProgress(done: number, total: number): void },
) => Promise<EvaluationResult>;

export interface TaskRequest {
  target: ModelTarget;
  /** Names of tasks. */
  tasks: readonly string[];
  /** Folders that hold the tasks' folders. */
  data: readonly string[];
  /** Most examples of a task, its first ones. */
  limit?: number;
  /** Solved examples before each one, the first of the training split. */
  shots: number;
  mode: "generate" | "loglikelihood";
  /** Default: of a run its recipe's; else plain. */
  render?: "plain" | "chat";
  beams: number;
  /** Most outputs written at once. */
  batch: number;
  /** File of results, one line an example; what is in it already is not done again. */
  out?: string;
}

export interface TaskReport {
  tasks: (TaskSummary & { seconds: number })[];
  render: "plain" | "chat";
  shots: number;
}

/** `src/recipes/evaluate-tasks.ts`. */
export type RunTasks = (
  request: TaskRequest,
  hooks: TaskHooks & { onProgress(task: string, done: number, total: number): void },
) => Promise<TaskReport>;

export interface ChatMessage {
  role: string;
  content: string;
}

/** How tokens are chosen. Temperature 0 is greedy. */
export interface SamplingSettings {
  /** Longest output. */
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  /** Texts that end the output when they appear. */
  stop: readonly string[];
}

export interface GenerationSummary {
  promptTokens: number;
  tokens: number;
  reason: "end" | "length" | "stop" | "interrupted";
  seconds: number;
}

/** A loaded model that writes text. */
export interface TextGenerator {
  readonly hasChatTemplate: boolean;
  /**
   * Pieces of text as they come; a list of messages goes through the model's chat template.
   * @param settings default: greedy, at most 256 tokens, seed 0, no stop texts
   * @param signal ends the output before the next token
   */
  generate(
    input: string | readonly ChatMessage[],
    settings?: Partial<SamplingSettings>,
    signal?: AbortSignal,
  ): AsyncGenerator<string, GenerationSummary>;
  dispose(): void;
}

/** `src/recipes/generate.ts`. */
export type OpenGenerator = (target: ModelTarget) => Promise<TextGenerator>;

export interface ExportRequest {
  target: ModelTarget;
  /** The folder or file to make; it must not exist. */
  out: string;
  /**
   * `merged`: a whole model folder; `adapter`: the trained adapter as it is (methods that leave the base alone);
   * `svd`: the accumulated change of each layer as an adapter of `rank`, or of the rank that keeps `energy`.
   */
  kind: "merged" | "adapter" | "svd";
  /** `folder`, the default: as transformers and PEFT load it; `gguf`: one file, as llama.cpp and what is built on it do. */
  format?: "folder" | "gguf";
  /** Of a merged model; `float16` and `q8_0` in a GGUF file only. */
  dtype?: "float32" | "float16" | "bfloat16" | "q8_0";
  rank?: number;
  /** Share of the squared Frobenius norm to keep, in (0, 1]. */
  energy?: number;
}

export interface ExportResult {
  out: string;
  kind: ExportRequest["kind"];
  bytes: number;
  /** The base was quantised: the numbers of its codes are what the adapter was merged into, or is for. */
  base?: "nf4";
  /** Of a merged model in lower precision: relative Frobenius distance to the exact weights. */
  drift?: number;
  /** Of `svd`: the share of energy kept, over all layers, and the largest rank. */
  retainedEnergy?: number;
  rank?: number;
  /** Of `svd`: mean loss on the run's held-out rows, as of an evaluation, or why it was not measured. */
  heldOutLoss?: { trained: number; exported: number } | { notMeasured: string };
}

/** `src/recipes/export.ts`. */
export type RunExport = (request: ExportRequest, hooks: TaskHooks) => Promise<ExportResult>;

/** `src/recipes/convert.ts`: a GGUF file to a folder, which must not exist. */
export type RunConvert = (request: { path: string; out: string }) => Promise<{
  out: string;
  family: string;
  dtype: string;
  bytes: number;
}>;

/** What the quickstart tells while it works. */
export type QuickstartEvent =
  | { type: "phase"; title: string }
  | { type: "run"; method: string; event: RunEvent }
  | { type: "note"; text: string };

/** A share of a test set in [0, 1], with its 95 % bootstrap interval over the rows. */
export interface ShareEstimate {
  value: number;
  low: number;
  high: number;
}

/** How a model fares on the quickstart's test. */
export interface QuickstartScore {
  /** Answers without a fault. */
  exact: ShareEstimate;
  /** Right parts of the answers: words, or fields of records. */
  parts: ShareEstimate;
  /** Mean cross entropy per label token, in nats. */
  loss: number;
}

/** One line of the closing comparison. */
export interface QuickstartRow extends QuickstartScore {
  method: string;
  trainable: number;
  seconds: number;
  /** Peak memory in bytes. */
  memory: number;
  /** Rank of the accumulated change, averaged over the adapted layers. */
  rank: number;
}

export interface QuickstartResult {
  /** What the test's rows and the parts of their answers are called. */
  names: { item: string; part: string };
  /** The model before it was trained. */
  before: QuickstartScore;
  rows: QuickstartRow[];
  samples: {
    prompt: string;
    expected: string;
    before: string;
    after: { method: string; output: string }[];
  }[];
  report: string;
  /** The exported merged model. */
  exported: string;
  seconds: number;
  /** How to read the comparison. */
  remark: string;
  /** Commands to try next. */
  next: string[];
}

/** `src/recipes/quickstart`: on a chat model's folder or file, else on the embedded tiny model. */
export type RunQuickstart = (
  options: { out: string; seed: number; model?: string },
  hooks: TaskHooks & { onEvent(event: QuickstartEvent): void },
) => Promise<QuickstartResult>;

/** What a comparison trains. */
export interface CompareRequest {
  /** File of the recipe. */
  recipe: string;
  /** Overrides of the recipe, for all runs. */
  set: readonly string[];
  settings: readonly Setting[];
  /** The learning rates are swept on the first. */
  seeds: readonly number[];
  /** Folder of the comparison: its runs, `results.jsonl` and `report.html`. */
  out: string;
  /** Runs at a time. */
  jobs: number;
  /** The program and arguments that come before `train`. */
  command: readonly string[];
}

export interface CompareProgress {
  done: number;
  /** As far as every setting has a learning rate that works. */
  total: number;
  running: { name: string; step: number; totalSteps: number | null }[];
  /** The run that has just ended. */
  finished?: CellResult;
}

export interface CompareResult {
  rows: CompareRow[];
  /** Runs that failed, with why. */
  failed: { folder: string; message: string }[];
  /** How to read the table. */
  remark: string;
  report: string;
  results: string;
}

/** `src/recipes/compare`. */
export type RunCompare = (
  request: CompareRequest,
  hooks: TaskHooks & { onProgress(progress: CompareProgress): void },
) => Promise<CompareResult>;

export interface AnalysisRequest {
  /** A run's folder. */
  path: string;
  /** A pattern of layers; all by default. */
  layers?: string;
  /** The page to write; default `analysis.html` in the run's folder. */
  out?: string;
}

export interface AnalysisResult {
  run: string;
  method: string;
  /** What the last checkpoint has changed, exactly. */
  end: {
    step: number;
    rank: number;
    entropyRank: number;
    layers: { path: string; rank: number; entropyRank: number }[];
    seconds: number;
  };
  /** What the run recorded on its way. */
  looks: Look[];
  /** What recording took; null where nothing was recorded. */
  cost: { looks: number; seconds: number; share: number | null } | null;
  /** How to record what is missing. */
  hint: string | null;
  report: string;
}

/** `src/recipes/analysis`. */
export type RunAnalyze = (request: AnalysisRequest, hooks: TaskHooks) => Promise<AnalysisResult>;
