import { parseRecipe, type Recipe } from "../../config/index.js";

/** The methods that the quickstart compares, in this order. */
export const quickstartMethods = ["lora", "scalora-i", "full"] as const;
export type QuickstartMethod = (typeof quickstartMethods)[number];

/** Columns of the factors: as few as possible, for the task asks for a change of high rank. */
export const quickstartRank = 1;
export const quickstartSteps = 300;
const batchSize = 32;

/** Adapter section and peak learning rate of a run. */
export interface MethodSettings {
  readonly adapter: Readonly<Record<string, unknown>> & { readonly method: string };
  readonly lr: number;
}

/** What the sweep of bench/quickstart.ts found best on the validation set; docs/results.md has all of it. */
export const chosenSettings: Readonly<Record<QuickstartMethod, MethodSettings>> = {
  lora: { adapter: { method: "lora", rank: quickstartRank }, lr: 1.8e-2 },
  "scalora-i": {
    adapter: { method: "scalora-i", rank: quickstartRank, scale: { columnNorm: 0.577 } },
    lr: 1.8e-2,
  },
  full: { adapter: { method: "full" }, lr: 6e-3 },
};

export interface RunPlace {
  /** The model folder. */
  readonly model: string;
  /** Folder of train.jsonl, validation.jsonl and test.jsonl. */
  readonly data: string;
  /** Folder that holds the runs, and the run's name there; its own by default. */
  readonly folder: string;
  readonly name?: string;
}

/** What a recipe file would say of a run: the same for all methods but for method and learning rate. */
export function recipeSections(
  { adapter, lr }: MethodSettings,
  { model, data, folder, name }: RunPlace,
  { seed, steps }: { seed: number; steps: number },
) {
  const often = Math.max(1, Math.floor(steps / 5));
  return {
    model: { path: model, dtype: "float32", device: "cpu" },
    adapter,
    data: { train: `${data}/train.jsonl`, eval: `${data}/validation.jsonl` },
    train: { steps, batchSize, lr, seed, evalEvery: often, saveEvery: often, keepLast: 8 },
    run: { folder, ...(name !== undefined && { name }) },
  };
}

/** The recipe of one of the quickstart's own runs, which shows samples of all of them itself. */
export function makeRecipe(...args: Parameters<typeof recipeSections>): Recipe {
  const sections = recipeSections(...args);
  return parseRecipe({ ...sections, run: { ...sections.run, samples: 0 } }, { name: "quickstart" });
}
