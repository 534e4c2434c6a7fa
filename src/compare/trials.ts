import { ScaloraError } from "../util/errors.ts";
import type { Setting } from "./settings.ts";

/** One run of a comparison. */
export interface Trial {
  readonly setting: Setting;
  readonly lr: number;
  readonly seed: number;
}

/** What all cells of a comparison have in common. */
export interface TrialPlan {
  /** The recipe's file. */
  readonly recipe: string;
  /** Overrides of the recipe, for every cell. */
  readonly set: readonly string[];
  /** Folder of the runs. */
  readonly runs: string;
  /** The command line program: what comes before `train`. */
  readonly command: readonly string[];
  /** Threads of each process; undefined leaves that to the environment. */
  readonly threads: number | undefined;
}

/** What a run gave; null where there is no such figure. */
export interface TrialResult {
  /** Name of the setting. */
  readonly setting: string;
  readonly lr: number;
  readonly seed: number;
  /** Of a task's data: the score of the best checkpoint, the higher the better. */
  readonly score: number | null;
  /** Held-out loss of the best evaluation. */
  readonly loss: number | null;
  readonly trainable: number | null;
  /** Mean over the steps, so that what a method does only every few steps counts. */
  readonly secondsPerStep: number | null;
  /** Peak resident memory (on a GPU, device memory) over the steps, in bytes. */
  readonly memory: number | null;
  /** Rank of the accumulated change at the end, averaged over the layers; only measured where that is cheap. */
  readonly rank: number | null;
  /** Why the run failed (a diverged loss, say); such a run is never the best. */
  readonly failed: string | null;
  /** Hash of the rows that it trained and was evaluated on; null where it did not come to its first step. */
  readonly data: string | null;
  /** Hash of the base model; null of older runs, too, and where it was quantised, which gives other numbers. */
  readonly model: string | null;
  /** The run's folder. */
  readonly folder: string;
}

/** A figure to compare by: a score where the task has one, else the loss. */
export interface PrimaryMetric {
  readonly value: number;
  readonly higherIsBetter: boolean;
}

/** @returns undefined when the run failed or measured nothing */
export function primaryMetric({ score, loss, failed }: TrialResult): PrimaryMetric | undefined {
  if (failed !== null) return undefined;
  if (score !== null) return { value: score, higherIsBetter: true };
  return loss === null ? undefined : { value: loss, higherIsBetter: false };
}

/** The result with the best figure; undefined where none has one. */
export function bestResult(results: readonly TrialResult[]): TrialResult | undefined {
  let best: { result: TrialResult; figure: PrimaryMetric } | undefined;
  for (const result of results) {
    const figure = primaryMetric(result);
    if (figure === undefined) continue;
    if (best === undefined || isBetter(figure, best.figure)) best = { result, figure };
  }
  return best?.result;
}

const isBetter = (a: PrimaryMetric, b: PrimaryMetric) =>
  a.higherIsBetter ? a.value > b.value : a.value < b.value;

/** The results of a setting's sweep: every rate on the first seed. */
export function sweepResults(
  setting: Setting,
  [seed]: readonly number[],
  results: readonly TrialResult[],
): TrialResult[] {
  if (seed === undefined) return [];
  return setting.lrs.flatMap((lr) => findResult({ setting, lr, seed }, results) ?? []);
}

/**
 * The cells that can run now: every rate of a setting on the first seed; then, on the other seeds, the rate that was best.
 * A sweep on one seed gives every method the same number of tries, at a third of the cost of all rates on all seeds.
 */
export function pendingTrials(
  settings: readonly Setting[],
  seeds: readonly number[],
  results: readonly TrialResult[],
): Trial[] {
  const [first, ...others] = seeds;
  if (first === undefined) return [];
  const cells = settings.flatMap((setting) => {
    const sweep = setting.lrs.map((lr) => ({ setting, lr, seed: first }));
    const swept = sweepResults(setting, seeds, results);
    const best = swept.length === sweep.length ? bestResult(swept) : undefined;
    const repeats = best === undefined ? [] : others.map((seed) => ({ setting, lr: best.lr, seed }));
    return [...sweep, ...repeats];
  });
  return cells
    .filter((cell) => findResult(cell, results) === undefined)
    .sort((a, b) => seeds.indexOf(a.seed) - seeds.indexOf(b.seed));
}

/** How many runs a comparison has, as far as every setting has a rate that works. */
export function countTrials(settings: readonly Setting[], seeds: readonly number[]): number {
  return settings.reduce((sum, { lrs }) => sum + lrs.length + seeds.length - 1, 0);
}

function findResult({ setting, lr, seed }: Trial, results: readonly TrialResult[]): TrialResult | undefined {
  return results.find(
    (result) => result.setting === setting.name && result.lr === lr && result.seed === seed,
  );
}

/** The name of a cell's run. */
export function trialName({ setting, lr, seed }: Trial): string {
  return `${setting.name.replaceAll(/[^\p{L}\p{N}._+=-]+/gu, "-")}-lr${lr}-seed${seed}`;
}

/**
 * Runs on other rows, or of another model, must not meet in one table. Rows that are held out are drawn by the seed and a
 * new head starts from it, so it is the runs of one seed that must agree.
 * @throws ScaloraError `config` naming both runs
 */
export function checkSameInputs(result: TrialResult, others: readonly TrialResult[]): void {
  for (const other of others.filter(({ seed }) => seed === result.seed))
    for (const [what, key] of [
      ["rows", "data"],
      ["model", "model"],
    ] as const) {
      if (result[key] === null || other[key] === null || result[key] === other[key]) continue;
      throw new ScaloraError("config", `Two runs of the comparison were not given the same ${what}`, {
        where: result.folder,
        found: `other ${what} than ${other.folder}`,
        fix: "remove the run that is out of date, or choose another folder with --out",
      });
    }
}
