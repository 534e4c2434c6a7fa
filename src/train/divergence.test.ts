import { expect, test } from "vitest";
import { divergenceAtEnd, divergenceLimit, hasDiverged, noteLoss } from "./divergence.ts";
import { freshProgress, type Progress } from "./progress-state.ts";

/** Progress after steps with these losses. */
function after(losses: readonly number[], guessLoss = Math.log(49152)): Progress {
  const progress = freshProgress();
  for (const loss of losses) {
    progress.step++;
    noteLoss(progress, loss, guessLoss);
  }
  return progress;
}
const constant = (loss: number, count: number) => Array.from({ length: count }, () => loss);
const guess = Math.log(49152);

test.each([
  { name: "half again the first loss", first: 2, guess, limit: 3 },
  { name: "at least half a nat above it", first: 0.02, guess: Math.log(2), limit: 0.52 },
  { name: "nearly that of guessing, where that is less", first: 8, guess, limit: 0.95 * guess },
  { name: "a tenth above a model that begins by guessing", first: 10.8, guess, limit: 1.1 * 10.8 },
  { name: "half again a squared error", first: 4, guess: Number.POSITIVE_INFINITY, limit: 6 },
])("the limit is $name", ({ first, guess, limit }) => {
  expect(divergenceLimit(first, guess)).toBeCloseTo(limit, 10);
});

test("fifty steps in a row above the limit are divergence; one below begins the count anew", () => {
  const collapsed = constant(10.8, 49);
  expect(hasDiverged(after([2, ...collapsed]), guess)).toBe(false);
  expect(hasDiverged(after([2, ...collapsed, 10.8]), guess)).toBe(true);
  expect(hasDiverged(after([2, ...collapsed, 2.9, 10.8]), guess)).toBe(false);
});

test("noise, a bump of the warm-up and a learning run are no divergence", () => {
  const noisy = Array.from({ length: 400 }, (_, i) => 2 + 1.5 * Math.sin(i * 12.9898) * Math.exp(-i / 300));
  const bump = [2, ...constant(3.4, 45), ...constant(2.2, 100)];
  const learning = Array.from({ length: 200 }, (_, i) => 11 - i / 40);
  for (const losses of [noisy, bump, learning])
    for (let steps = 1; steps <= losses.length; steps++)
      expect(hasDiverged(after(losses.slice(0, steps)), guess)).toBe(false);
});

test("an evaluation better than the first one contradicts it; a regression needs an evaluation", () => {
  const progress = after([2, ...constant(10.8, 60)]);
  const evaluated = (loss: number) => ({
    ...progress,
    firstEval: { step: 0, loss: 2.1 },
    lastEval: { step: 60, loss },
  });
  expect(hasDiverged(evaluated(1.9), guess)).toBe(false);
  expect(hasDiverged(evaluated(9), guess)).toBe(true);
  expect(hasDiverged(progress, Number.POSITIVE_INFINITY)).toBe(false);
  expect(hasDiverged(evaluated(9), Number.POSITIVE_INFINITY)).toBe(true);
});

test("a model that begins worse than guessing and then only guesses has diverged; one that begins so has not", () => {
  const evaluated = { firstEval: { step: 0, loss: 11.9 }, lastEval: { step: 60, loss: guess } };
  expect(hasDiverged({ ...after([12, ...constant(guess, 50)]), ...evaluated }, guess)).toBe(true);
  expect(hasDiverged(after(constant(guess, 60)), guess)).toBe(false);
  expect(hasDiverged(after([12, ...constant(guess - 0.01, 60)]), guess)).toBe(false);
});

test("a run that ends worse than it began is noticed by its evaluations, or else by its losses", () => {
  const evals = (first: number, last: number) => ({
    ...after([2]),
    firstEval: { step: 0, loss: first },
    lastEval: { step: 5, loss: last },
    best: { step: 3, loss: 1.5 },
  });
  const atEnd = (progress: Progress) => divergenceAtEnd({ ...progress, loss: 2 }, guess);
  expect(atEnd(evals(2, 2.5))).toBe(
    "held-out loss 2.0000 before training, 1.5000 after step 3, 2.5000 at the end",
  );
  expect(atEnd(evals(2, 2.01))).toBeUndefined();
  expect(atEnd(evals(12, guess))).toMatch(/that of guessing, 10\.80/);
  expect(atEnd(after([2, ...constant(10.5, 9)]))).toMatch(/^training loss 2\.0000 before training, 7/);
  expect(atEnd(after([2, 2.4, 1.9, 2.2, 2.3]))).toBeUndefined();
});
