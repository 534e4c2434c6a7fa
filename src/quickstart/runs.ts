import type { Demo, ExerciseSplits } from "./demo.ts";
import type { TestResult } from "./evaluate-model.ts";
import type { MethodResult } from "./run-method.ts";

/** One method of a quickstart when it is done. */
export interface MethodRun {
  readonly method: string;
  readonly result: MethodResult;
  /** On the test. */
  readonly testResult: TestResult;
}

/** Everything that a quickstart did. */
export interface QuickstartRuns {
  readonly job: Demo;
  readonly task: ExerciseSplits;
  readonly out: string;
  readonly data: string;
  readonly seed: number;
  /** The model on the test before it was trained. */
  readonly before: TestResult;
  readonly runs: readonly MethodRun[];
  /** `performance.now()` at its beginning. */
  readonly started: number;
}
