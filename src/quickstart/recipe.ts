import { parseRecipe, type Recipe } from "../config/index.ts";
import type { Demo, MethodSettings } from "./demo.ts";
import { splitFile } from "./output-folder.ts";

export interface RunPaths {
  /** The model's folder or file. */
  readonly model: string;
  /** Folder of the data splits. */
  readonly data: string;
  /** Folder of the runs, and the run's name in it; default: the method's name. */
  readonly folder: string;
  readonly name?: string;
}

/** The sections of a run's recipe; only method and learning rate differ between methods. */
export function recipeSections(
  { training, compute }: Demo,
  { adapter, lr }: MethodSettings,
  { model, data, folder, name }: RunPaths,
  seed: number,
) {
  const { steps, batchSize, evaluations, keepLast } = training;
  const often = Math.max(1, Math.floor(steps / Math.max(1, evaluations)));
  return {
    model: { path: model, ...compute },
    adapter,
    data: { train: splitFile(data, "train"), eval: splitFile(data, "validation") },
    train: { steps, batchSize, lr, seed, evalEvery: often, saveEvery: often, keepLast },
    run: { folder, ...(name !== undefined && { name }) },
  };
}

/**
 * The recipe of a quickstart's run: without samples, because the quickstart shows its own, and without held-out rows where the
 * demo has no evaluations.
 */
export function makeRecipe(...args: Parameters<typeof recipeSections>): Recipe {
  const sections = recipeSections(...args);
  const run = { ...sections.run, samples: 0 };
  const [{ training }] = args;
  if (training.evaluations > 0) return parseRecipe({ ...sections, run }, { name: "quickstart" });
  const { evalEvery: _, ...train } = sections.train;
  const data = { ...sections.data, eval: "none" };
  return parseRecipe({ ...sections, data, train, run }, { name: "quickstart" });
}
