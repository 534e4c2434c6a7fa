import { setImmediate } from "node:timers/promises";
import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import type { Batch, Example } from "../data/index.ts";
import { type CausalLM, tokenStream } from "../nn/index.ts";
import {
  argmax,
  gather,
  indexSelect,
  indices,
  logSoftmax,
  noGrad,
  scope,
  toDType,
  unsqueeze,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";

/** A model's predictions of the labels of some rows, each after the tokens before it. */
export interface LabelScores {
  /** Mean cross entropy per label token, in nats. */
  readonly loss: number;
  /**
   * For each row, which of its labels the model finds the most probable. Where it is all of them, end token included, and only
   * there, greedy generation gives exactly this answer.
   */
  readonly firstChoices: readonly (readonly boolean[])[];
}

/** Rows of logits over the vocabulary that are computed at once. */
const rowsAtOnce = 256;

/** Scores the labels of rows in one pass over them. @throws the signal's reason when it is aborted */
export async function scoreLabels(
  model: CausalLM,
  examples: readonly Example[],
  signal: AbortSignal,
): Promise<LabelScores> {
  const firstChoices: boolean[][] = [];
  let [loss, labels] = [0, 0];
  for (const batch of evaluationBatches(examples)) {
    const { losses, isFirst } = labelPredictions(model, batch);
    loss += losses.reduce((sum, each) => sum + each, 0);
    labels += losses.length;
    firstChoices.push(...bySequence(batch, isFirst));
    await setImmediate();
    signal.throwIfAborted();
  }
  return { loss: loss / labels, firstChoices };
}

/** The cross entropy of each label of a batch, and whether it is the most probable token. */
function labelPredictions(model: CausalLM, batch: Batch): { losses: number[]; isFirst: boolean[] } {
  const { labelPositions, labelTargets } = batch;
  const { device } = model.lm_head.weight;
  const losses: number[] = [];
  const isFirst: boolean[] = [];
  noGrad(() =>
    scope(() => {
      const hidden = model.hiddenStates(tokenStream(batch.tokens, batch.offsets, { device }));
      for (let start = 0; start < labelPositions.length; start += rowsAtOnce)
        scope(() => {
          const targets = labelTargets.subarray(start, start + rowsAtOnce);
          const place = indices(labelPositions.subarray(start, start + rowsAtOnce), { device });
          const logits = toDType(model.lm_head.forward(indexSelect(hidden, 0, place)), "float32");
          const own = gather(logSoftmax(logits, 1), 1, unsqueeze(indices(targets, { device }), 1));
          losses.push(...own.toFloats().map((value) => -value));
          const best = argmax(logits, { dim: 1 }).toFloats();
          isFirst.push(...Array.from(targets, (target, i) => target === best[i]));
        });
    }),
  );
  return { losses, isFirst };
}

/** Values of the labels of a batch, by its sequences. */
function bySequence({ offsets, labelPositions }: Batch, values: readonly boolean[]): boolean[][] {
  return offsets.slice(1).map((end, s) => {
    const begin = elementAt(offsets, s);
    return values.filter((_, i) => {
      const position = elementAt(labelPositions, i);
      return begin <= position && position < end;
    });
  });
}
