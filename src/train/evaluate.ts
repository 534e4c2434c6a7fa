import { setImmediate } from "node:timers/promises";
import type { Batch } from "../data/types.js";
import type { TrainedModel } from "../nn/classifier.js";
import { ScaloraError } from "../util/errors.js";
import { objectiveOf } from "./objective.js";

export interface Evaluation {
  /** Mean over the labels: cross entropy in nats, or of a regression squared error. */
  readonly loss: number;
  /** Labels: tokens, or rows of a classification. */
  readonly labelTokens: number;
  /** Of a classification: the share of rows that get the right class. */
  readonly accuracy?: number;
}

/**
 * Loss over held-out batches, normalised by all their labels. Yields to the event loop after each batch.
 * @param stopping ends the evaluation early, without a result, when it returns true
 * @throws `data` when there is no label, `run` when the loss is not finite.
 */
export async function evaluateLoss(
  model: TrainedModel,
  batches: readonly Batch[],
  stopping: () => boolean = () => false,
): Promise<Evaluation | undefined> {
  const objective = objectiveOf(model);
  let sum = 0;
  let labelTokens = 0;
  let right: number | undefined;
  for (const batch of batches) {
    if (stopping()) return undefined;
    const { loss, correct } = objective.evaluate(batch);
    if (!Number.isFinite(loss))
      throw new ScaloraError("run", "The held-out loss is not finite", {
        where: batch.sources.join(", "),
        found: String(loss),
        fix: "look at these rows; of a trained model, lower the learning rate, or go back to an earlier checkpoint if there is one",
      });
    sum += loss;
    labelTokens += objective.labels(batch);
    if (correct !== undefined) right = (right ?? 0) + correct;
    await setImmediate();
  }
  if (labelTokens === 0)
    throw new ScaloraError("data", "The held-out set has no label tokens", {
      fix: "give data whose completions are not all masked or cut off",
    });
  const accuracy = right === undefined ? {} : { accuracy: right / labelTokens };
  return { loss: sum / labelTokens, labelTokens, ...accuracy };
}
