import type { ModelTarget } from "../assemble/model-target.ts";
import type { DataConfig } from "../config/index.ts";
import type { TaskSummary } from "../eval/run-task.ts";
import type { Interruptible } from "../util/interruptible.ts";

export interface EvaluationRequest {
  target: ModelTarget;
  /** Files of examples; empty for a run's own held-out rows. */
  data: readonly string[];
  format?: Exclude<NonNullable<DataConfig["format"]>, "auto"> | undefined;
  maxLength?: number | undefined;
}

export interface EvaluationResult {
  /** Mean over the labels: cross entropy in nats, or squared error for a regression. */
  loss: number;
  /** exp(loss), for language models. */
  perplexity?: number;
  /** Classification: fraction of rows classified correctly. */
  accuracy?: number | undefined;
  /** The official metrics of the data's task by name, and their mean. */
  metrics?: Readonly<Record<string, number>> | undefined;
  score?: number;
  /** Number of labels: tokens, or rows for a classification. */
  labelTokens: number;
  rows: number;
  /** Notes on the files: dropped and truncated rows. */
  notes: readonly string[];
  seconds: number;
}

/** `src/inference/evaluate.ts`. */
export type RunEvaluation = (
  request: EvaluationRequest,
  hooks: Interruptible & { onProgress(done: number, total: number): void },
) => Promise<EvaluationResult>;

/** The tasks that a model is scored on, and their settings. */
export interface TaskRequest {
  target: ModelTarget;
  /** Names of tasks. */
  tasks: readonly string[];
  /** Folders that hold the tasks' folders. */
  data: readonly string[];
  /** Use only this many examples of each task, the first ones. */
  limit?: number | undefined;
  /** Few-shot examples before each example, the first ones of the training split. */
  shots: number;
  mode: "generate" | "loglikelihood";
  /** Default: as in the run's recipe, or plain for a model. */
  render?: "plain" | "chat" | undefined;
  beams: number;
  /** Maximum number of sequences generated at once. */
  batch: number;
  /** File of results, one line per example; examples in it are not run again. */
  out?: string | undefined;
}

/** Scores of the tasks that were run. */
export interface TaskReport {
  tasks: (TaskSummary & { seconds: number })[];
  render: "plain" | "chat";
  shots: number;
}

/** `src/inference/evaluate-tasks.ts`. */
export type RunTasks = (
  request: TaskRequest,
  hooks: Interruptible & { onProgress(task: string, done: number, total: number): void },
) => Promise<TaskReport>;

/** One message of a conversation. */
export interface ChatMessage {
  role: string;
  content: string;
}

/** Sampling settings. Temperature 0 is greedy. */
export interface SamplingSettings {
  /** Maximum number of new tokens. */
  maxTokens: number;
  temperature: number;
  topK?: number | undefined;
  topP?: number | undefined;
  seed: number;
  /** Stop strings. */
  stop: readonly string[];
}

/** How a generated text ended. */
export interface GenerationSummary {
  promptTokens: number;
  tokens: number;
  reason: "end" | "length" | "stop" | "interrupted";
  seconds: number;
}

/** A loaded model that generates text. */
export interface TextGenerator extends Disposable {
  readonly hasChatTemplate: boolean;
  /**
   * Streams pieces of text; a list of messages is rendered with the model's chat template.
   * @param settings default: greedy, at most 256 tokens, seed 0, no stop texts
   * @param signal ends the output before the next token
   */
  generate(
    input: string | readonly ChatMessage[],
    settings?: Partial<SamplingSettings>,
    signal?: AbortSignal,
  ): AsyncGenerator<string, GenerationSummary>;
  /** Frees the model. */
  dispose(): void;
}

/** `src/inference/generate.ts`. */
export type OpenGenerator = (target: ModelTarget) => Promise<TextGenerator>;
