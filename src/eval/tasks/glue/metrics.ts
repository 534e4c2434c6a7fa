import type { GlueName } from "../../../data/index.ts";
import { accuracy, binaryF1, matthews, pearson, spearman } from "../../metrics/index.ts";

/** A metric with its name in tables. */
export interface Scorer {
  readonly name: string;
  score(labels: ArrayLike<number>, predictions: ArrayLike<number>): number;
}

const accuracyScorer: Scorer = { name: "accuracy", score: accuracy };
const f1Scorer: Scorer = { name: "f1", score: binaryF1 };
const matthewsScorer: Scorer = { name: "matthews", score: matthews };
const pearsonScorer: Scorer = { name: "pearson", score: pearson };
const spearmanScorer: Scorer = { name: "spearman", score: spearman };

/** The official metrics of each task; its score is their mean, as the benchmark reports it (arXiv 1804.07461). */
export const glueScorers: Readonly<Record<GlueName, readonly Scorer[]>> = {
  cola: [matthewsScorer],
  sst2: [accuracyScorer],
  mrpc: [f1Scorer, accuracyScorer],
  stsb: [pearsonScorer, spearmanScorer],
  qqp: [f1Scorer, accuracyScorer],
  mnli: [accuracyScorer],
  qnli: [accuracyScorer],
  rte: [accuracyScorer],
};
