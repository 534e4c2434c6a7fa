import type { Interruptible } from "../util/interruptible.ts";
import type { Setting } from "./method-settings.ts";
import type { Processes } from "./processes-on-ranks.ts";
import type { CompareRow, SettingDifference } from "./summary.ts";
import type { TaskScoring } from "./task-scoring.ts";
import type { TrialResult } from "./trials.ts";

/** The settings of a comparison. */
export interface CompareRequest {
  /** Path of the recipe. */
  recipe: string;
  /** Overrides of the recipe, for all runs. */
  set: readonly string[];
  settings: readonly Setting[];
  /** Seeds that the results are of. */
  seeds: readonly number[];
  /** Seeds of the sweeps, whose runs do not count in the results; none of `seeds`. */
  tuningSeeds: readonly number[];
  /** Folder of the comparison: its runs, `results.jsonl` and `report.html`. */
  out: string;
  /** Number of parallel runs. */
  jobs: number;
  /** The program with its arguments before `train`. */
  command: readonly string[];
  /** Tasks on which models are scored after training. */
  tasks?: TaskScoring | undefined;
}

export interface CompareProgress {
  done: number;
  /** Number of runs, if every setting has a rate that does not fail. */
  total: number;
  running: { name: string; step: number; totalSteps: number | null }[];
  /** The run that has just ended. */
  finished?: TrialResult;
}

export interface CompareResult {
  rows: CompareRow[];
  /** Settings without a result, because their runs failed. */
  missing: string[];
  /** Every two rows compared on the same seeds. */
  differences: SettingDifference[];
  seeds: readonly number[];
  tuningSeeds: readonly number[];
  /** Failed runs with the reasons. */
  failed: { folder: string; message: string }[];
  /** How to read the table. */
  remark: string;
  report: string;
  results: string;
}

export interface CompareHooks extends Interruptible {
  onNote?(text: string): void;
  /** Where its processes run; by default on this machine. */
  processes?: Processes;
}

/** `src/compare`. */
export type RunCompare = (
  request: CompareRequest,
  hooks: CompareHooks & { onProgress(progress: CompareProgress): void },
) => Promise<CompareResult>;
