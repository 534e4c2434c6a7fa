import type { MethodResult } from "./run-method.js";
import type { QuickstartMethod } from "./settings.js";
import type { Row } from "./world.js";

/** One method of a quickstart when it is done. */
export interface CompletedRun {
  readonly method: QuickstartMethod;
  readonly result: MethodResult;
  /** What it answers to the questions. */
  readonly outputs: readonly string[];
}

/** Everything that a quickstart did. */
export interface Quickstart {
  readonly out: string;
  readonly data: string;
  /** The folder of the model that was fine-tuned. */
  readonly model: string;
  readonly seed: number;
  readonly steps: number;
  readonly questions: readonly Row[];
  /** What the model answered before. */
  readonly before: readonly string[];
  readonly runs: readonly CompletedRun[];
  /** `performance.now()` at its beginning. */
  readonly started: number;
}
