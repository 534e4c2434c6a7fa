import type { Job, Task } from "./job.ts";
import type { Score } from "./measure.ts";
import type { MethodResult } from "./run-method.ts";

/** One method of a quickstart when it is done. */
export interface CompletedRun {
  readonly method: string;
  readonly result: MethodResult;
  /** On the test. */
  readonly score: Score;
}

/** Everything that a quickstart did. */
export interface Quickstart {
  readonly job: Job;
  readonly task: Task;
  readonly out: string;
  readonly data: string;
  readonly seed: number;
  /** The model on the test before it was trained. */
  readonly before: Score;
  readonly runs: readonly CompletedRun[];
  /** `performance.now()` at its beginning. */
  readonly started: number;
}
