import type { Interruptible } from "../util/interruptible.ts";
import type { Setting } from "./settings.ts";
import type { CompareRow } from "./summary.ts";
import type { TrialResult } from "./trials.ts";

/** What a comparison trains. */
export interface CompareRequest {
  /** File of the recipe. */
  recipe: string;
  /** Overrides of the recipe, for all runs. */
  set: readonly string[];
  settings: readonly Setting[];
  /** The learning rates are swept on the first. */
  seeds: readonly number[];
  /** Folder of the comparison: its runs, `results.jsonl` and `report.html`. */
  out: string;
  /** Runs at a time. */
  jobs: number;
  /** The program and arguments that come before `train`. */
  command: readonly string[];
}

export interface CompareProgress {
  done: number;
  /** As far as every setting has a learning rate that works. */
  total: number;
  running: { name: string; step: number; totalSteps: number | null }[];
  /** The run that has just ended. */
  finished?: TrialResult;
}

export interface CompareResult {
  rows: CompareRow[];
  /** Runs that failed, with why. */
  failed: { folder: string; message: string }[];
  /** How to read the table. */
  remark: string;
  report: string;
  results: string;
}

/** `src/compare`. */
export type RunCompare = (
  request: CompareRequest,
  hooks: Interruptible & { onProgress(progress: CompareProgress): void },
) => Promise<CompareResult>;
