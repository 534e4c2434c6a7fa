import type { Demo, ExerciseSplits } from "./demo.ts";
import type { TestResult } from "./evaluate-model.ts";
import type { MethodResult } from "./run-method.ts";

/** A finished method of a quickstart. */
export interface MethodRun {
  readonly method: string;
  readonly result: MethodResult;
  /** Result on the test split. */
  readonly testResult: TestResult;
}

/** All results of a quickstart. */
export interface QuickstartRuns {
  readonly job: Demo;
  readonly task: ExerciseSplits;
  readonly out: string;
  readonly data: string;
  readonly seed: number;
  /** Result of the untrained model on the test split. */
  readonly before: TestResult;
  readonly runs: readonly MethodRun[];
  /** `performance.now()` at the start. */
  readonly started: number;
}
