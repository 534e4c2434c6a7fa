import type { ModelConfig, Recipe } from "../config/index.ts";
import { refuseLabelledRows } from "../data/index.ts";
import { commonGlueTask, type FilesAndFormat, sourcesOf } from "./glue-task.ts";

/** A recipe's model config, with the labels of the data's GLUE task when the recipe has none. */
export function resolveModelConfig({ model, data }: Recipe): ModelConfig {
  const task = commonGlueTask(data);
  if (task === undefined || model.labels !== undefined) return model;
  return { ...model, labels: task.labels === undefined ? 1 : [...task.labels] };
}

/**
 * Refuses formats of a classifier with a language model. Comes before the labels of their task are taken for the model's.
 * @throws ScaloraError `config` naming the file
 */
export function refuseClassifierFormats(data: FilesAndFormat): void {
  for (const source of sourcesOf(data)) refuseLabelledRows(source);
}
