import { setImmediate } from "node:timers/promises";
import type { Batch } from "../data/types.js";
import type { CausalLM } from "../nn/causal-lm.js";
import { causalLossSum } from "../nn/causal-loss.js";
import * as torch from "../torch/index.js";
import { ScaloraError } from "../util/errors.js";

export interface Evaluation {
  /** Mean cross entropy per label token, in nats. */
  readonly loss: number;
  readonly labelTokens: number;
}

/**
 * Loss over held-out batches, normalised by all their label tokens. Yields to the event loop after each batch.
 * @param stopping ends the evaluation early, without a result, when it returns true
 * @throws `data` when there is no label, `run` when the loss is not finite.
 */
export async function evaluateLoss(
  model: CausalLM,
  batches: readonly Batch[],
  stopping: () => boolean = () => false,
): Promise<Evaluation | undefined> {
  let sum = 0;
  let labelTokens = 0;
  for (const batch of batches) {
    if (stopping()) return undefined;
    const loss = torch.noGrad(() => torch.scope(() => causalLossSum(model, batch).item()));
    if (!Number.isFinite(loss))
      throw new ScaloraError("run", "The held-out loss is not finite", {
        where: batch.sources.join(", "),
        found: String(loss),
        fix: "look at these rows; of a trained model, lower the learning rate, or go back to an earlier checkpoint if there is one",
      });
    sum += loss;
    labelTokens += batch.labelTargets.length;
    await setImmediate();
  }
  if (labelTokens === 0)
    throw new ScaloraError("data", "The held-out set has no label tokens", {
      fix: "give data whose completions are not all masked or cut off",
    });
  return { loss: sum / labelTokens, labelTokens };
}
