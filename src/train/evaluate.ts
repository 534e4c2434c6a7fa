import { setImmediate } from "node:timers/promises";
import type { Batch } from "../data/types.ts";
import type { TrainableModel } from "../nn/classifier.ts";
import { ScaloraError } from "../util/errors.ts";
import { objectiveOf, requireLabels } from "./objective.ts";

export interface Evaluation {
  /** Mean over the labels: cross entropy in nats, or of a regression squared error. */
  readonly loss: number;
  /** Labels: tokens, or rows of a classification. */
  readonly labelTokens: number;
  /** Of a classification: the share of rows that get the right class. */
  readonly accuracy?: number;
  /** Of a task's data: its metrics by name; one without a value (a correlation with equal scores) is 0. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** The mean of the metrics: the higher, the better. */
  readonly score?: number;
}

/** A task's metrics of predicted classes or numbers, by name; NaN where one has no value. */
export type ComputeMetrics = (
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
) => Readonly<Record<string, number>>;

/** What an evaluation measures, and what ends it. */
export interface EvaluateOptions {
  /** Ends the evaluation early, without a result, when it returns true. */
  readonly stopping?: () => boolean;
  /** Measured of a classifier, over all rows. */
  readonly metrics?: ComputeMetrics;
}

/**
 * Loss over held-out batches, normalised by all their labels. Yields to the event loop after each batch.
 * @throws `data` when there is no label, `run` when the loss is not finite.
 */
export async function evaluateLoss(
  model: TrainableModel,
  batches: readonly Batch[],
  { stopping = () => false, metrics }: EvaluateOptions = {},
): Promise<Evaluation | undefined> {
  const objective = objectiveOf(model);
  let sum = 0;
  let labelTokens = 0;
  const [labels, predictions]: [number[], number[]] = [[], []];
  for (const batch of batches) {
    if (stopping()) return undefined;
    const { loss, predictions: found } = objective.evaluate(batch);
    if (!Number.isFinite(loss))
      throw new ScaloraError("run", "The held-out loss is not finite", {
        where: batch.sources.join(", "),
        found: String(loss),
        fix: "look at these rows; of a trained model, lower the learning rate, or go back to an earlier checkpoint if there is one",
      });
    sum += loss;
    labelTokens += objective.labelCount(batch);
    if (found !== undefined) {
      labels.push(...requireLabels(batch));
      predictions.push(...found);
    }
    await setImmediate();
  }
  if (labelTokens === 0)
    throw new ScaloraError("data", "The held-out set has no label tokens", {
      fix: "give data whose completions are not all masked or cut off",
    });
  const right = predictions.filter((found, row) => found === labels[row]).length;
  return {
    loss: sum / labelTokens,
    labelTokens,
    ...(objective.taskType === "classification" && { accuracy: right / labelTokens }),
    ...(metrics && scored(metrics(labels, predictions))),
  };
}

function scored(values: Readonly<Record<string, number>>): Pick<Evaluation, "metrics" | "score"> {
  const metrics = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number.isNaN(value) ? 0 : value]),
  );
  const all = Object.values(metrics);
  return { metrics, score: all.reduce((sum, value) => sum + value, 0) / all.length };
}
