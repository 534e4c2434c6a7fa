import type { ModelTarget } from "../assemble/model-target.ts";
import type { UsedCheckpoint } from "../assemble/used-checkpoint.ts";
import type { RenderStyle } from "../data/formats/types.ts";
import type { TaskSummary } from "../eval/run-task.ts";
import type { ProcessGroup } from "../torch/index.ts";
import type { Interruptible } from "../util/interruptible.ts";

/** The tasks that a model is scored on, and their settings. */
export interface TaskRequest {
  target: ModelTarget;
  /** Names of tasks. */
  tasks: readonly string[];
  /** Folders that hold the tasks' data, or data files. */
  data: readonly string[];
  /** Column name of a task to column name in its files. */
  columns?: Readonly<Record<string, string>> | undefined;
  /** Use only this many examples of each task, the first ones. */
  limit?: number | undefined;
  /** Few-shot examples before each example, the first ones of the training split. */
  shots: number;
  mode: "generate" | "loglikelihood";
  /** Default: as in the run's recipe, or plain for a model. */
  render?: RenderStyle | undefined;
  beams: number;
  /** Maximum number of sequences generated at once. */
  batch: number;
  /** File of results, one line per example; examples in it are not run again. */
  predictions?: string | undefined;
}

/** Scores of the tasks that were run. */
export interface TaskReport {
  /** The summary of each, with the file that its examples are from, or the folder where there are several. */
  tasks: (TaskSummary & { data: string; seconds: number })[];
  render: RenderStyle;
  shots: number;
  /** The run's checkpoint; undefined for a model. */
  checkpoint?: UsedCheckpoint | undefined;
}

/** `src/inference/evaluate-tasks.ts`. */
export type RunTasks = (
  request: TaskRequest,
  hooks: Interruptible & {
    onProgress(task: string, done: number, total: number): void;
    onNote?(text: string): void;
    /** The ranks that share the examples; only rank 0 writes predictions. */
    group?: ProcessGroup | undefined;
  },
) => Promise<TaskReport>;
