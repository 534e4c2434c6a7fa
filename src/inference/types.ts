import type { ModelTarget } from "../assemble/model-target.ts";
import type { DataConfig } from "../config/index.ts";
import type { TaskSummary } from "../eval/run-task.ts";
import type { Interruptible } from "../util/interruptible.ts";

export interface EvaluationRequest {
  target: ModelTarget;
  /** Files of examples; of a run, its own held-out rows when none are given. */
  data: readonly string[];
  format?: Exclude<NonNullable<DataConfig["format"]>, "auto"> | undefined;
  maxLength?: number | undefined;
}

export interface EvaluationResult {
  /** Mean over the labels: cross entropy in nats, or of a regression squared error. */
  loss: number;
  /** exp(loss), of language models. */
  perplexity?: number;
  /** Of a classification: the share of rows that get the right class. */
  accuracy?: number | undefined;
  /** Of a task's data: its official metrics by name, and their mean. */
  metrics?: Readonly<Record<string, number>> | undefined;
  score?: number;
  /** Labels: tokens, or rows of a classification. */
  labelTokens: number;
  rows: number;
  /** Of files: which of their rows were dropped, and how many were cut. */
  notes: readonly string[];
  seconds: number;
}

/** `src/inference/evaluate.ts`. */
export type RunEvaluation = (
  request: EvaluationRequest,
  hooks: Interruptible & { onProgress(done: number, total: number): void },
) => Promise<EvaluationResult>;

/** Which tasks a model is scored on, and how. */
export interface TaskRequest {
  target: ModelTarget;
  /** Names of tasks. */
  tasks: readonly string[];
  /** Folders that hold the tasks' folders. */
  data: readonly string[];
  /** Most examples of a task, its first ones. */
  limit?: number | undefined;
  /** Solved examples before each one, the first of the training split. */
  shots: number;
  mode: "generate" | "loglikelihood";
  /** Default: of a run its recipe's; else plain. */
  render?: "plain" | "chat" | undefined;
  beams: number;
  /** Most outputs written at once. */
  batch: number;
  /** File of results, one line an example; what is in it already is not done again. */
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

/** How tokens are chosen. Temperature 0 is greedy. */
export interface SamplingSettings {
  /** Longest output. */
  maxTokens: number;
  temperature: number;
  topK?: number | undefined;
  topP?: number | undefined;
  seed: number;
  /** Texts that end the output when they appear. */
  stop: readonly string[];
}

/** How a generated text ended. */
export interface GenerationSummary {
  promptTokens: number;
  tokens: number;
  reason: "end" | "length" | "stop" | "interrupted";
  seconds: number;
}

/** A loaded model that writes text. */
export interface TextGenerator extends Disposable {
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
  /** Frees the model. */
  dispose(): void;
}

/** `src/inference/generate.ts`. */
export type OpenGenerator = (target: ModelTarget) => Promise<TextGenerator>;
