import { accuracy, binaryF1, matthews, pearson, spearman } from "../../metrics/index.js";

/** A metric with its name in tables. */
export interface Scorer {
  readonly name: string;
  score(labels: ArrayLike<number>, predictions: ArrayLike<number>): number;
}

export const accuracyScorer: Scorer = { name: "accuracy", score: accuracy };
export const f1Scorer: Scorer = { name: "f1", score: binaryF1 };
export const matthewsScorer: Scorer = { name: "matthews", score: matthews };
export const pearsonScorer: Scorer = { name: "pearson", score: pearson };
export const spearmanScorer: Scorer = { name: "spearman", score: spearman };
