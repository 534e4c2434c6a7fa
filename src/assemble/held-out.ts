import { existsSync } from "node:fs";
import type { DataConfig } from "../config/index.ts";
import { type Example, loadDataset } from "../data/index.ts";
import { classesOf } from "./build.ts";
import type { OpenModel } from "./open-model.ts";

/** The rows that a run held out, cut from its data as the run did; in words why there are none. */
export async function heldOutRows({ model, tokenizer, recipe }: OpenModel): Promise<Example[] | string> {
  if (recipe === undefined) return "a model's folder has no held-out rows";
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

/** Rows held out of the training files need these; rows of their own files need both. */
function filesOf({ train, eval: held }: DataConfig): string[] {
  return [...train, ...(Array.isArray(held) ? held : [])].map(({ path }) => path);
}
