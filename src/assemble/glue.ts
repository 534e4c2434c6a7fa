import type { DataConfig, ModelConfig, Recipe } from "../config/index.ts";
import { type GlueTask, glueTaskOf } from "../data/index.ts";
import { scoreGlue } from "../eval/tasks/glue/index.ts";
import type { Metrics } from "../train/evaluate.ts";

/** The task of GLUE that every file with labels is of, where there is one. */
function taskOf({ train, eval: held, format }: Pick<DataConfig, "train" | "eval" | "format">) {
  const sources = [...train, ...(Array.isArray(held) ? held : [])];
  const tasks = new Set<GlueTask | undefined>(sources.map((source) => glueTaskOf(source.format ?? format)));
  const [task] = tasks;
  return tasks.size === 1 ? task : undefined;
}

/** A recipe's model with the labels that follow from the data, where the recipe leaves them open. */
export function modelOf({ model, data }: Recipe): ModelConfig {
  const task = taskOf(data);
  if (task === undefined || model.labels !== undefined) return model;
  return { ...model, labels: task.labels === undefined ? 1 : [...task.labels] };
}

/** The classes of the task that data are of; undefined of other data and of a regression. */
export function classNamesOf(data: Pick<DataConfig, "train" | "eval" | "format">) {
  return taskOf(data)?.labels;
}

/** The official metrics of the task that data are of, where they are of one. */
export function metricsOf(data: Pick<DataConfig, "train" | "eval" | "format">): { metrics?: Metrics } {
  const task = taskOf(data);
  if (task === undefined) return {};
  return { metrics: (labels, predictions) => scoreGlue(task, labels, predictions) };
}
