import type { ModelTarget } from "../assemble/model-target.ts";
import type { UsedCheckpoint } from "../assemble/used-checkpoint.ts";
import type { DataConfig } from "../config/index.ts";
import type { ProcessGroup } from "../torch/index.ts";
import type { Interruptible } from "../util/interruptible.ts";

export interface EvaluationRequest {
  target: ModelTarget;
  /** Files of examples; empty for a run's own held-out rows. */
  data: readonly string[];
  format?: Exclude<NonNullable<DataConfig["format"]>, "auto"> | undefined;
  maxLength?: number | undefined;
  /** Column name of the format to column name in the files. */
  columns?: Readonly<Record<string, string>> | undefined;
  /** File that gets a line for each row with a classifier's prediction, the row's own label and the score. */
  predictions?: string | undefined;
}

export interface EvaluationResult {
  /** Mean over the labels: cross entropy in nats, or squared error for a regression. */
  loss: number;
  /** exp(loss), for language models. */
  perplexity?: number;
  /** Classification: fraction of rows classified correctly. */
  accuracy?: number | undefined;
  /** The official metrics of the data's task by name; the score is the mean of those that `scoredBy` names. */
  metrics?: Readonly<Record<string, number>> | undefined;
  score?: number;
  scoredBy?: string[];
  /** Number of labels: tokens, or rows for a classification. */
  labelTokens: number;
  rows: number;
  /** The run's checkpoint; undefined for a model. */
  checkpoint?: UsedCheckpoint | undefined;
  /** Notes on the model's head and the files: dropped and truncated rows. */
  notes: readonly string[];
  seconds: number;
}

/** `src/inference/evaluate.ts`. */
export type RunEvaluation = (
  request: EvaluationRequest,
  hooks: Interruptible & {
    onProgress(done: number, total: number): void;
    onNote?(text: string): void;
    /** The ranks that share the rows; only rank 0 writes predictions. */
    group?: ProcessGroup | undefined;
  },
) => Promise<EvaluationResult>;
