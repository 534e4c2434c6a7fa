import { type Batch, type Example, loadExamples } from "../../data/index.js";
import type { Tokenizer } from "../../hub/tokenizer/index.js";
import { type CausalLM, tokenStream } from "../../nn/index.js";
import { argmax, indexSelect, indices, noGrad, scope } from "../../torch/index.js";
import { evaluateLoss } from "../../train/evaluate.js";
import { internalError } from "../../util/errors.js";
import { evaluationBatches } from "../evaluation-batches.js";

export interface Score {
  /** Share of the answers in which every word and the end are right. */
  readonly exact: number;
  /** Share of the right words; the end is no word. */
  readonly words: number;
  /** Mean cross entropy per label token, in nats. */
  readonly loss: number;
}

/**
 * Scores a model on a file of questions and answers. An answer counts as exact when each of its tokens is the most
 * probable one after the tokens before it: then, and only then, greedy generation gives this answer.
 */
export async function scoreFile(model: CausalLM, tokenizer: Tokenizer, file: string): Promise<Score> {
  const config = { train: [{ path: file }], eval: "none" as const };
  const { examples } = await loadExamples(config, tokenizer, { maxLength: model.info.maxPositions });
  return scoreExamples(model, examples);
}

async function scoreExamples(model: CausalLM, examples: readonly Example[]): Promise<Score> {
  const batches = evaluationBatches(examples);
  const evaluation = await evaluateLoss(model, batches);
  if (evaluation === undefined) throw internalError("nothing stops this evaluation");
  const total = { answers: 0, exact: 0, words: 0, right: 0 };
  for (const batch of batches) {
    for (const answer of answersOf(model, batch)) {
      total.answers++;
      if (answer.every(Boolean)) total.exact++;
      total.words += answer.length - 1;
      total.right += answer.slice(0, -1).filter(Boolean).length;
    }
  }
  return {
    exact: total.exact / total.answers,
    words: total.right / total.words,
    loss: evaluation.loss,
  };
}

/** For each sequence, which of its label tokens the model puts first. */
function answersOf(model: CausalLM, batch: Batch): boolean[][] {
  const best = noGrad(() =>
    scope(() => {
      const { device } = model.lm_head.weight;
      const hidden = model.hiddenStates(tokenStream(batch.tokens, batch.offsets, { device }));
      const logits = model.lm_head.forward(indexSelect(hidden, 0, indices(batch.labelRows)));
      return argmax(logits, 1).toFloats();
    }),
  );
  return batch.offsets.slice(1).map((end, s) => {
    const isHere = (row: number) => batch.offsets[s] <= row && row < end;
    return [...batch.labelRows.keys()]
      .filter((i) => isHere(batch.labelRows[i]))
      .map((i) => best[i] === batch.labelTargets[i]);
  });
}
