import { adapterSectionForMethod } from "../config/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { sweptKeys } from "./candidates.ts";
import { type Trial, type TrialPlan, trialName } from "./trials.ts";

/**
 * A trial's overrides of the recipe, including the keys in `reservedKeys`. A comparison records no samples, and its
 * checkpoints only serve to resume.
 */
export function trialOverrides(cell: Trial, { recipe, set, runs }: TrialPlan): string[] {
  const { setting, candidate, seed } = cell;
  const adapter = {
    ...adapterSectionForMethod(recipe, setting.method, set),
    ...setting.adapterOverrides,
    ...sweptKeys(candidate),
  };
  return [
    ...set,
    `adapter=${JSON.stringify(adapter)}`,
    `train.lr=${candidate.lr}`,
    `train.seed=${seed}`,
    "train.keepLast=1",
    "run.samples=0",
    `run.folder=${runs}`,
    `run.name=${trialName(cell)}`,
  ];
}

/** What to use instead of a key that a comparison sets in each trial: on the command line, and in a plan. */
const reservedKeys: Readonly<Record<string, readonly [option: string, key: string]>> = {
  "adapter.method": ["name the methods with --methods", "name it in settings.NAME.method"],
  "train.lr": ["name the rates with --lrs", "name the rates in settings.NAME.lr"],
  "train.seed": ["name the seeds with --seeds", "name the seeds in seeds"],
  "train.keepLast": both("omit it: checkpoints of finished runs are removed"),
  "run.folder": both("choose the folder with --out"),
  "run.name": both("omit it: runs are named after their trials"),
  "run.samples": both("omit it: a comparison records no samples"),
};

function both(fix: string): readonly [string, string] {
  return [fix, fix];
}

/** What is wrong with an override that each trial would override again; undefined for others. */
export function reservedKeyIssue(override: string, isPlan: boolean) {
  const fixes = reservedKeys[override.slice(0, Math.max(0, override.indexOf("=")))];
  return fixes && { problem: "A comparison sets this key itself", fix: fixes[isPlan ? 1 : 0] };
}

/** Refuses overrides that each trial would override again, rather than ignoring them. */
export function assertNoReservedKeys(set: readonly string[]): void {
  for (const override of set) {
    const issue = reservedKeyIssue(override, false);
    if (issue !== undefined)
      throw new ScaloraError("usage", issue.problem, { where: `--set ${override}`, fix: issue.fix });
  }
}
