import { ScaloraError } from "../util/errors.ts";
import { type Candidate, candidateName } from "./candidates.ts";
import type { Setting } from "./method-settings.ts";
import type { TaskScores } from "./score-tasks.ts";
import type { TaskScoring } from "./task-scoring.ts";

/** One run of a comparison. */
export interface Trial {
  readonly setting: Setting;
  readonly candidate: Candidate;
  readonly seed: number;
}

/** The seeds of a comparison; no seed is in both lists. */
export interface SeedSets {
  /** Seeds that results are of: each setting runs on all of them, at what its sweep has chosen. */
  readonly seeds: readonly number[];
  /** Seeds of the sweeps, which only choose. A setting with one candidate needs none. */
  readonly tuningSeeds: readonly number[];
}

/** What all trials of a comparison have in common. */
export interface TrialPlan {
  /** Path of the recipe. */
  readonly recipe: string;
  /** Overrides of the recipe, for every trial. */
  readonly set: readonly string[];
  /** Folder of the runs. */
  readonly runs: string;
  /** The program with its arguments before `train`. */
  readonly command: readonly string[];
  /** Threads of each process; undefined: as the environment sets them. */
  readonly threads: number | undefined;
  /** Tasks on which models are scored after training. */
  readonly tasks?: TaskScoring | undefined;
}

/** The result of a trial; null for figures that it does not have. */
export interface TrialResult {
  /** Name of the setting. */
  readonly setting: string;
  readonly lr: number;
  /** Swept options of the adapter section by their paths; absent where only rates are swept. */
  readonly options?: Candidate["options"];
  readonly seed: number;
  /** Score of the best checkpoint when the data's task has metrics; higher is better. */
  readonly score: number | null;
  /** Held-out loss of the best evaluation. */
  readonly loss: number | null;
  readonly trainable: number | null;
  /** Mean over all steps, including the method's occasional work. */
  readonly secondsPerStep: number | null;
  /** Peak resident memory over the steps, in bytes. */
  readonly memory: number | null;
  /** Mean rank of the accumulated change at the end, over layers; only measured when cheap. */
  readonly rank: number | null;
  /** Why the run failed (for example a diverged loss); null when it did not. A failed run is never the best. */
  readonly failed: string | null;
  /** It failed because its recipe was refused: nothing was trained, and there is no folder. */
  readonly refused?: true;
  /** Hash of its training and evaluation rows; null when it failed before the first step. */
  readonly data: string | null;
  /** Hash of the base model; null for older runs and for quantised models, whose values differ. */
  readonly model: string | null;
  /** The run's folder. */
  readonly folder: string;
  /** Scores of its model on the plan's tasks; absent where it was not scored. */
  readonly tasks?: TaskScores;
}

/** The metric to compare by: the task's score if there is one, or else the loss. */
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

/** What a trial tried. */
const candidateOf = ({ lr, options = {} }: TrialResult): Candidate => ({ lr, options });

/** The results of a setting at one of its candidates, on some seeds. */
export function resultsOf(
  setting: Setting,
  candidate: Candidate,
  seeds: readonly number[],
  results: readonly TrialResult[],
): TrialResult[] {
  return seeds.flatMap((seed) => findResult({ setting, candidate, seed }, results) ?? []);
}

/** The trials of a setting's sweep; none where there is nothing to choose. */
export const sweepTrials = (setting: Setting, { tuningSeeds }: SeedSets): Trial[] =>
  setting.candidates.length < 2
    ? []
    : tuningSeeds.flatMap((seed) => setting.candidates.map((candidate) => ({ setting, candidate, seed })));

/** Number of runs in a comparison, if every setting has a candidate that does not fail. */
export function countTrials(settings: readonly Setting[], seedSets: SeedSets): number {
  return settings.reduce(
    (sum, setting) => sum + sweepTrials(setting, seedSets).length + seedSets.seeds.length,
    0,
  );
}

export function findResult(
  { setting, candidate, seed }: Trial,
  results: readonly TrialResult[],
): TrialResult | undefined {
  return results.find((result) => result.seed === seed && isResultOf(result, setting.name, candidate));
}

/** Whether a run was one of a setting at a candidate. */
export const isResultOf = (result: TrialResult, setting: string, candidate: Candidate) =>
  result.setting === setting && candidateName(candidateOf(result)) === candidateName(candidate);

/** The name of a trial's run. */
export function trialName({ setting, candidate, seed }: Trial): string {
  return fileNameOf(`${setting.name}-${candidateName(candidate)}-seed${seed}`);
}

/** A name with dashes in place of what does not belong in the name of a file; different names can become equal. */
export const fileNameOf = (name: string) => name.replaceAll(/[^\p{L}\p{N}._+=-]+/gu, "-");

/**
 * Checks that runs of the same seed have the same rows and the same model, so that their results are comparable. (Held-out
 * rows and a new head depend on the seed.)
 * @throws ScaloraError `config` naming both runs
 */
export function checkSameInputs(result: TrialResult, others: readonly TrialResult[]): void {
  for (const other of others.filter(({ seed }) => seed === result.seed))
    for (const [what, key] of [
      ["rows", "data"],
      ["model", "model"],
    ] as const) {
      if (result[key] === null || other[key] === null || result[key] === other[key]) continue;
      throw new ScaloraError("config", `Two runs of the comparison differ in their ${what}`, {
        where: result.folder,
        found: `${what} different from ${other.folder}`,
        fix: "remove the outdated run, or choose another folder with --out",
      });
    }
}
