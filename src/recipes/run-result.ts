import type { LoadedModel } from "../assemble/load-base-model.ts";
import type { Recipe } from "../config/index.ts";
import type { RunEvent } from "../run/events.ts";
import type { TaskType } from "../run/start-event.ts";
import type { ProcessGroup } from "../torch/index.ts";
import type { LoadingTask } from "../util/interruptible.ts";
import type { ProcessLock } from "../util/locks/process-lock.ts";

export interface RunHooks extends LoadingTask {
  onEvent(event: RunEvent): void;
  /** Called after each step with the model as it is then, which it must leave as it is; the run's seconds leave its time out. */
  afterStep?(step: number, loaded: LoadedModel): Promise<void>;
  /** The lock of the run's folder, where the caller has taken it, who releases it too. */
  lock?: ProcessLock;
  /** The ranks that train it together; only rank 0 has a run folder and events. */
  group?: ProcessGroup | undefined;
  /** Resume from the run's newest valid checkpoint. */
  resume?: boolean;
  /** Profile some warm steps, into the run's folder. */
  profile?: boolean;
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
  /** Held-out loss of the last evaluation. */
  evalLoss: number | null;
  /** Its step: a run that is stopped does not evaluate at its end. */
  evalStep: number | null;
  bestEvalLoss: number | null;
  bestStep: number | null;
  /** Score of the best evaluation, when the data's task has metrics. */
  bestScore: number | null;
  parameters: { trainable: number; all: number };
  /** Path of the newest checkpoint. */
  checkpoint: string | null;
  seconds: number;
  /** What is worse at the run's end than at its beginning, in words; null when nothing is. */
  divergence: string | null;
  /** Whether that is a collapse: the model only guesses, whatever its loss was before. */
  collapsed: boolean;
  /** Seconds of these spent recording for `scalora analyze`; null without `run.analysis`. */
  analysisSeconds: number | null;
  /** Whether a resume found the run finished, its record whole, and did nothing. */
  alreadyFinished: boolean;
}

/** Trains a recipe. A run stopped by the signal returns with reason `stopped`. */
export type RunTraining = (recipe: Recipe, hooks: RunHooks) => Promise<RunResult>;
