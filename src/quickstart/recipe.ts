import { parseRecipe, type Recipe } from "../config/index.ts";
import type { Demo, MethodSettings } from "./demo.ts";
import { splitFile } from "./folder.ts";

export interface RunPaths {
  /** The model's folder or file. */
  readonly model: string;
  /** Folder of the task's files. */
  readonly data: string;
  /** Folder that holds the runs, and the run's name there; its own by default. */
  readonly folder: string;
  readonly name?: string;
}

/** What a recipe file would say of a run: the same for all methods but for method and learning rate. */
export function recipeSections(
  { training, compute }: Demo,
  { adapter, lr }: MethodSettings,
  { model, data, folder, name }: RunPaths,
  seed: number,
) {
  const { steps, batchSize, evaluations, keepLast } = training;
  const often = Math.max(1, Math.floor(steps / evaluations));
  return {
    model: { path: model, ...compute },
    adapter,
    data: { train: splitFile(data, "train"), eval: splitFile(data, "validation") },
    train: { steps, batchSize, lr, seed, evalEvery: often, saveEvery: often, keepLast },
    run: { folder, ...(name !== undefined && { name }) },
  };
}

/** The recipe of one of the quickstart's own runs, which shows samples of all of them itself. */
export function makeRecipe(...args: Parameters<typeof recipeSections>): Recipe {
  const sections = recipeSections(...args);
  return parseRecipe({ ...sections, run: { ...sections.run, samples: 0 } }, { name: "quickstart" });
}
