import { existsSync } from "node:fs";
import type { DataConfig } from "../config/index.ts";
import { type Dataset, type Example, loadDataset } from "../data/index.ts";
import { classesOf } from "./class-labels.ts";
import type { OpenModel } from "./open-model.ts";

/** The held-out rows of a run, split from its data as in training; or the reason, in words, why there are none. */
export async function heldOutRows(open: OpenModel): Promise<Example[] | string> {
  if (open.recipe === undefined) return "a model folder has no held-out rows";
  if (open.recipe.data.eval === "none") return "the run held no rows out (data.eval: none)";
  const dataset = await datasetOf(open);
  return typeof dataset === "string" ? dataset : dataset.eval;
}

/** The rows that a run trained on; or the reason, in words, why there are none. */
export async function trainingRows(open: OpenModel): Promise<Example[] | string> {
  const dataset = await datasetOf(open);
  return typeof dataset === "string" ? dataset : dataset.train.flat();
}

async function datasetOf({ model, tokenizer, recipe }: OpenModel): Promise<Dataset | string> {
  if (recipe === undefined) return "a model folder has no rows";
  const gone = filesOf(recipe.data).find((path) => !existsSync(path));
  if (gone !== undefined) return `the run's data is gone: ${gone}`;
  return loadDataset(recipe.data, tokenizer, {
    maxLength: model.info.maxPositions,
    seed: recipe.train.seed,
    ...classesOf(model),
  });
}

/** The files that rows are read from: the training files, and the evaluation files if there are any. */
function filesOf({ train, eval: held }: DataConfig): string[] {
  return [...train, ...(Array.isArray(held) ? held : [])].map(({ path }) => path);
}
