import { existsSync } from "node:fs";
import type { DataConfig } from "../config/index.ts";
import { type Example, loadDataset } from "../data/index.ts";
import { classesOf } from "./class-labels.ts";
import type { OpenModel } from "./open-model.ts";

/** The held-out rows of a run, split from its data as in training; or the reason, in words, why there are none. */
export async function heldOutRows({ model, tokenizer, recipe }: OpenModel): Promise<Example[] | string> {
  if (recipe === undefined) return "a model folder has no held-out rows";
  if (recipe.data.eval === "none") return "the run held no rows out (data.eval: none)";
  const gone = filesOf(recipe.data).find((path) => !existsSync(path));
  if (gone !== undefined) return `the run's data is gone: ${gone}`;
  const { seed } = recipe.train;
  const dataset = await loadDataset(recipe.data, tokenizer, {
    maxLength: model.info.maxPositions,
    seed,
    ...classesOf(model),
  });
  return dataset.eval;
}

/** The files that held-out rows are read from: the training files, and the evaluation files if there are any. */
function filesOf({ train, eval: held }: DataConfig): string[] {
  return [...train, ...(Array.isArray(held) ? held : [])].map(({ path }) => path);
}
