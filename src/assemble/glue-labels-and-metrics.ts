import type { DataConfig, ModelConfig, Recipe } from "../config/index.ts";
import { findGlueTask, type GlueTask } from "../data/index.ts";
import { scoreGlue, scoringMetrics } from "../eval/tasks/glue/index.ts";
import type { EvaluateOptions } from "../train/evaluate.ts";

/** The GLUE task that all labelled files belong to, if there is one. */
function commonGlueTask({ train, eval: held, format }: Pick<DataConfig, "train" | "eval" | "format">) {
  const sources = [...train, ...(Array.isArray(held) ? held : [])];
  const tasks = new Set<GlueTask | undefined>(sources.map((source) => findGlueTask(source.format ?? format)));
  const [task] = tasks;
  return tasks.size === 1 ? task : undefined;
}

/** A recipe's model config, with the labels of the data's GLUE task when the recipe has none. */
export function resolveModelConfig({ model, data }: Recipe): ModelConfig {
  const task = commonGlueTask(data);
  if (task === undefined || model.labels !== undefined) return model;
  return { ...model, labels: task.labels === undefined ? 1 : [...task.labels] };
}

/** The class names of the data's GLUE task; undefined for other data and for a regression. */
export function glueClassNames(data: Pick<DataConfig, "train" | "eval" | "format">) {
  return commonGlueTask(data)?.labels;
}

/** The official metrics of the data's GLUE task, and those that its score is the mean of; empty where there is no task. */
export function glueMetrics(
  data: Pick<DataConfig, "train" | "eval" | "format">,
): Pick<EvaluateOptions, "metrics" | "scoredBy"> {
  const task = commonGlueTask(data);
  if (task === undefined) return {};
  return {
    metrics: (labels, predictions) => scoreGlue(task, labels, predictions),
    scoredBy: scoringMetrics(task),
  };
}
