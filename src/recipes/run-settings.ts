import { join } from "node:path";
import type { Recipe } from "../config/index.ts";
import { isClassifier, type TrainableModel } from "../nn/index.ts";
import { makeSchedule } from "../optim/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** Default number of evaluations in a run. */
const defaultTimes = 10;

/** Steps between them at least, so that a short run trains rather than evaluates. */
const leastSteps = 20;

/** Seconds of training that a crash costs at most, about, where a recipe does not say after how many steps to save. */
const saveSeconds = 300;

/** The folder of a recipe's run. */
export const runPath = ({ run }: Recipe) => join(run.folder, run.name);

/** Schedule and settings of a run of `steps` steps. */
export function scheduleAndSettings({ train: settings }: Recipe, steps: number) {
  const { lr, schedule: name, warmup, accumulate, clip, keepLast, patience, stopOnDivergence } = settings;
  const often = Math.max(leastSteps, Math.ceil(steps / defaultTimes));
  const { evalEvery = often, saveEvery } = settings;
  return {
    schedule: makeSchedule({ name, lr, steps, warmup }),
    settings: {
      steps,
      accumulate,
      clip,
      evalEvery,
      ...(saveEvery === undefined ? { saveSeconds } : { saveEvery }),
      keepLast,
      patience,
      ...(stopOnDivergence !== undefined && { stopOnDivergence }),
    },
  };
}

/** @throws ScaloraError `config` when a classifier's recipe has prompts */
export function assertSamplesFit(model: TrainableModel, { run: { samples } }: Recipe): void {
  if (!isClassifier(model) || typeof samples === "number") return;
  throw new ScaloraError("config", "A classifier does not generate text", {
    where: "run.samples",
    fix: "remove run.samples",
  });
}
