import type { GlueName, GlueTask } from "../../../data/index.ts";
import { accuracy, binaryF1, matthewsCorrelation, pearson, spearman } from "../../metrics/index.ts";

/** A metric with its name in tables. */
export interface NamedMetric {
  readonly name: string;
  score(labels: ArrayLike<number>, predictions: ArrayLike<number>): number;
}

const accuracyScorer: NamedMetric = { name: "accuracy", score: accuracy };

const f1Scorer: NamedMetric = { name: "f1", score: binaryF1 };

const matthewsScorer: NamedMetric = { name: "matthews", score: matthewsCorrelation };

const pearsonScorer: NamedMetric = { name: "pearson", score: pearson };

const spearmanScorer: NamedMetric = { name: "spearman", score: spearman };

/** The official metrics of each task (arXiv 1804.07461). */
const glueMetrics: Readonly<Record<GlueName, readonly NamedMetric[]>> = {
  cola: [matthewsScorer],
  sst2: [accuracyScorer],
  mrpc: [f1Scorer, accuracyScorer],
  stsb: [pearsonScorer, spearmanScorer],
  qqp: [f1Scorer, accuracyScorer],
  mnli: [accuracyScorer],
  qnli: [accuracyScorer],
  rte: [accuracyScorer],
};

/**
 * Names of the metrics whose mean is a task's score, as the tables of LoRA and its successors report it: accuracy where
 * the benchmark has F1 and accuracy, both correlations of STS-B, Matthews' of CoLA.
 */
export function scoringMetrics({ name }: Pick<GlueTask, "name">): string[] {
  const names = glueMetrics[name].map((metric) => metric.name);
  return names.includes(accuracyScorer.name) ? [accuracyScorer.name] : names;
}

/** The metrics of a task by name, in [-1, 1]; NaN where undefined (a correlation of equal scores). */
export function scoreGlue(
  task: Pick<GlueTask, "name">,
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
): Record<string, number> {
  return Object.fromEntries(
    glueMetrics[task.name].map(({ name, score }) => [name, score(labels, predictions)]),
  );
}
