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

/** Keys that a comparison sets in each trial, with the option to use instead. */
const reservedKeys: Readonly<Record<string, string>> = {
  "adapter.method": "name the methods with --methods",
  "train.lr": "name the rates with --lrs",
  "train.seed": "name the seeds with --seeds",
  "train.keepLast": "omit it: checkpoints of finished runs are removed",
  "run.folder": "choose the folder with --out",
  "run.name": "omit it: runs are named after their trials",
  "run.samples": "omit it: a comparison records no samples",
};

/** Refuses overrides that each trial would override again, rather than ignoring them. */
export function assertNoReservedKeys(set: readonly string[]): void {
  for (const override of set) {
    const fix = reservedKeys[override.slice(0, Math.max(0, override.indexOf("=")))];
    if (fix === undefined) continue;
    throw new ScaloraError("usage", "A comparison sets this key itself", { where: `--set ${override}`, fix });
  }
}
