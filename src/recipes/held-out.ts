import { existsSync } from "node:fs";
import type { DataConfig } from "../config/index.js";
import { type Example, loadDataset } from "../data/index.js";
import type { TrainedModel } from "../nn/index.js";
import { evaluateLoss } from "../train/evaluate.js";
import type { ExportResult } from "./api.js";
import { classesOf } from "./build.js";
import { evaluationBatches } from "./evaluation-batches.js";
import type { OpenModel } from "./open-model.js";

/**
 * The held-out loss of a run's model, and of what was exported of it; in words why it was not measured.
 * @throws the signal's reason when it is aborted
 */
export async function compareHeldOut(
  open: OpenModel,
  exported: TrainedModel,
  signal: AbortSignal,
): Promise<ExportResult["heldOutLoss"]> {
  const rows = await heldOutRows(open);
  if (typeof rows === "string") return { notMeasured: rows };
  const batches = evaluationBatches(rows);
  const lossOf = async (model: TrainedModel) => {
    const evaluation = await evaluateLoss(model, batches, { stopping: () => signal.aborted });
    if (evaluation === undefined) throw signal.reason;
    return evaluation.loss;
  };
  return { trained: await lossOf(open.model), exported: await lossOf(exported) };
}

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
