import { internalError } from "../../util/errors.ts";

/** Share of equal labels. Equals scikit-learn's `accuracy_score`; NaN for no rows. */
export function accuracy(labels: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkLengths(labels, predictions);
  return countWhere(labels, (label, i) => label === predictions[i]) / labels.length;
}

/**
 * F1 of class 1 against all others: 2·TP / (2·TP + FP + FN). Equals scikit-learn's `f1_score`; 0 where class 1 occurs neither
 * in the labels nor in the predictions.
 */
export function binaryF1(labels: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkLengths(labels, predictions);
  const hits = countWhere(labels, (label, i) => label === 1 && predictions[i] === 1);
  const named = countWhere(labels, (label) => label === 1) + countWhere(predictions, (label) => label === 1);
  return named === 0 ? 0 : (2 * hits) / named;
}

/**
 * Matthews' correlation for any number of classes (Gorodkin 2004): the covariance of labels and predictions over the
 * root of their variances. Equals scikit-learn's `matthews_corrcoef`; 0 where one side is constant.
 */
export function matthewsCorrelation(labels: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkLengths(labels, predictions);
  const rows = labels.length;
  const classes = new Set([...Array.from(labels), ...Array.from(predictions)]);
  let together = 0;
  let truth = 0;
  let guess = 0;
  for (const one of classes) {
    const isOne = countWhere(labels, (label) => label === one);
    const saysOne = countWhere(predictions, (label) => label === one);
    together += isOne * saysOne;
    truth += isOne * isOne;
    guess += saysOne * saysOne;
  }
  const hits = countWhere(labels, (label, i) => label === predictions[i]);
  const variance = (rows * rows - truth) * (rows * rows - guess);
  return variance === 0 ? 0 : (hits * rows - together) / Math.sqrt(variance);
}

function countWhere(values: ArrayLike<number>, holds: (value: number, index: number) => boolean): number {
  return Array.from(values).filter(holds).length;
}

/** @throws an internal error for lists of different lengths */
export function checkLengths(a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) throw internalError(`${a.length} labels and ${b.length} predictions`);
}
