import type { DataConfig } from "../config/index.ts";
import { findGlueTask, type GlueTask } from "../data/index.ts";
import { scoreGlue, scoringMetrics } from "../eval/tasks/glue/index.ts";
import type { EvaluateOptions } from "../train/evaluate.ts";

export type FilesAndFormat = Pick<DataConfig, "train" | "eval" | "format">;

/** The files of a recipe, each with its format. */
export const sourcesOf = ({ train, eval: held, format }: FilesAndFormat) =>
  [...train, ...(Array.isArray(held) ? held : [])].map((source) => ({
    ...source,
    format: source.format ?? format,
  }));

/** The GLUE task that all labelled files belong to, if there is one. */
export function commonGlueTask(data: FilesAndFormat) {
  const tasks = new Set<GlueTask | undefined>(sourcesOf(data).map(({ format }) => findGlueTask(format)));
  const [task] = tasks;
  return tasks.size === 1 ? task : undefined;
}

/** The class names of the data's GLUE task; undefined for other data and for a regression. */
export function glueClassNames(data: FilesAndFormat) {
  return commonGlueTask(data)?.labels;
}

/** The official metrics of the data's GLUE task, and those that its score is the mean of; empty where there is no task. */
export function glueMetrics(data: FilesAndFormat): Pick<EvaluateOptions, "metrics" | "scoredBy"> {
  const task = commonGlueTask(data);
  if (task === undefined) return {};
  return {
    metrics: (labels, predictions) => scoreGlue(task, labels, predictions),
    scoredBy: scoringMetrics(task),
  };
}
