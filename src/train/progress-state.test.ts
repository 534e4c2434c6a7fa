import { expect, test } from "vitest";
import { freshProgress, recordEvaluation } from "./progress-state.ts";

/** The steps that were the best so far, and how many evaluations have passed since the last. */
function bestOf(evaluations: readonly { loss: number; score?: number }[]) {
  const progress = freshProgress();
  const best = evaluations.flatMap((evaluation, step) => {
    progress.step = step;
    return recordEvaluation(progress, evaluation).best ? [step] : [];
  });
  return { best, sinceBest: progress.sinceBest, kept: progress.best };
}

test("the best has the lowest loss; the evaluation before training is none", () => {
  const losses = [0.1, 0.9, 0.8, 0.8, 0.7].map((loss) => ({ loss }));
  expect(bestOf(losses)).toEqual({ best: [1, 2, 4], sinceBest: 0, kept: { step: 4, loss: 0.7 } });
});

test("scores made of other metrics are not compared: the loss decides, as for a run begun with another score", () => {
  const accuracy = { score: 0.4, scoredBy: ["accuracy"] };
  const progress = { ...freshProgress(), step: 2, best: { step: 1, loss: 0.5, score: 0.9 } };
  expect(recordEvaluation(progress, { loss: 0.6, ...accuracy }).best).toBe(false);
  expect(recordEvaluation(progress, { loss: 0.4, ...accuracy }).best).toBe(true);
  expect(progress.best).toEqual({ step: 2, loss: 0.4, ...accuracy });
  expect(recordEvaluation(progress, { loss: 0.9, ...accuracy, score: 0.5 }).best).toBe(true);
});

test("with scores the best has the highest one, whatever the loss; of equal ones, that with the lower loss", () => {
  const scored = [
    { loss: 0.1, score: 0.9 },
    { loss: 0.5, score: 0.2 },
    { loss: 0.9, score: 0.4 },
    { loss: 0.4, score: 0.4 },
    { loss: 0.6, score: 0.4 },
    { loss: 0.3, score: -0.1 },
  ];
  expect(bestOf(scored)).toEqual({ best: [1, 2, 3], sinceBest: 2, kept: { step: 3, loss: 0.4, score: 0.4 } });
});
