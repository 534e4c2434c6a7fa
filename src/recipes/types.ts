import type { Recipe } from "../config/index.ts";
import type { RunEvent } from "../run/events.ts";
import type { TaskType } from "../run/start-event.ts";
import type { Interruptible } from "../util/interruptible.ts";

export interface RunHooks extends Interruptible {
  onEvent(event: RunEvent): void;
  /** Go on from the run folder's newest valid checkpoint instead of starting. */
  resume?: boolean;
}

/** How a training run ended. */
export interface RunResult {
  /** The run's folder. */
  folder: string;
  task: TaskType;
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
