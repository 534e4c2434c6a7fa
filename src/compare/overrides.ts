import { adapterSectionForMethod } from "../config/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { type Trial, type TrialPlan, trialName } from "./trials.ts";

/**
 * A cell's overrides of the recipe, of the keys in `ownKeys` among them. A comparison writes no samples, and its checkpoints
 * only serve to go on.
 */
export function trialOverrides(cell: Trial, { recipe, set, runs }: TrialPlan): string[] {
  const { setting, lr, seed } = cell;
  const adapter = { ...adapterSectionForMethod(recipe, setting.method, set), ...setting.adapterOverrides };
  return [
    ...set,
    `adapter=${JSON.stringify(adapter)}`,
    `train.lr=${lr}`,
    `train.seed=${seed}`,
    "train.keepLast=1",
    "run.samples=0",
    `run.folder=${runs}`,
    `run.name=${trialName(cell)}`,
  ];
}

/** What a comparison sets in each cell itself, and where it is told instead. */
const reservedKeys: Readonly<Record<string, string>> = {
  "adapter.method": "name the methods with --methods",
  "train.lr": "name the rates with --lrs",
  "train.seed": "name the seeds with --seeds",
  "train.keepLast": "leave it out: checkpoints of finished runs are removed",
  "run.folder": "choose the folder with --out",
  "run.name": "leave it out: runs are named after their cells",
  "run.samples": "leave it out: a comparison writes no samples",
};

/** An override that each cell would override again is refused, rather than ignored. */
export function assertNoReservedKeys(set: readonly string[]): void {
  for (const override of set) {
    const fix = reservedKeys[override.slice(0, Math.max(0, override.indexOf("=")))];
    if (fix === undefined) continue;
    throw new ScaloraError("usage", "A comparison sets this key itself", { where: `--set ${override}`, fix });
  }
}
