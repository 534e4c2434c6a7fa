import { ScaloraError } from "../util/errors.ts";
import type { Progress } from "./progress-state.ts";

/** Consecutive steps that count as divergence; a run that recovers sooner continues. */
const stepsOfDivergence = 50;
/** Weight of the newest step in the moving average of the loss. */
const averageWeight = 0.1;
/** How far above the first loss the last one is worse: held-out losses are of the same rows, training losses are not. */
const [evalMargin, trainMargin] = [0.01, 0.25];
/** A loss this close to that of guessing, relatively, is that of a model that has lost all it knew. */
const guessTolerance = 1e-4;

const isGuess = (loss: number, guessLoss: number, tolerance = guessTolerance) =>
  Math.abs(loss - guessLoss) <= tolerance * guessLoss && Number.isFinite(guessLoss);

/**
 * The loss above which a step counts towards divergence: half again the first loss and at least 0.5 more, or nearly that of
 * guessing, where that is less and clearly above the first.
 * @param guessLoss loss of a model that finds all answers equally likely; infinite where there is no such thing
 */
export function divergenceLimit(firstLoss: number, guessLoss: number): number {
  const far = firstLoss + Math.max(0.5 * firstLoss, 0.5);
  return Math.min(far, Math.max(1.1 * firstLoss, 0.95 * guessLoss));
}

/** Takes the loss of a step into account. @param guessLoss as for `divergenceLimit` */
export function noteLoss(progress: Progress, loss: number, guessLoss: number): void {
  if (progress.step === 1) progress.firstLoss = loss;
  const average = progress.averageLoss ?? loss;
  progress.averageLoss = average + averageWeight * (loss - average);
  progress.stepsDiverged = isDiverged(progress.firstLoss, loss, guessLoss) ? progress.stepsDiverged + 1 : 0;
}

function isDiverged(firstLoss: number | null, loss: number, guessLoss: number): boolean {
  if (firstLoss === null) return false;
  return loss > divergenceLimit(firstLoss, guessLoss) || isCollapsed(firstLoss, loss, guessLoss);
}

/** Whether the model only guesses now, and did not at first. */
const isCollapsed = (first: number, last: number, guessLoss: number) =>
  isGuess(last, guessLoss) && !isGuess(first, guessLoss, 10 * guessTolerance);

/**
 * Whether a run has diverged: the loss of each of the last steps is far above that of the first, or that of guessing, and an
 * evaluation, where there is one, found the model worse than before training. A regression needs an evaluation.
 */
export function hasDiverged(progress: Progress, guessLoss: number): boolean {
  const { stepsDiverged, firstEval, lastEval } = progress;
  if (stepsDiverged < stepsOfDivergence) return false;
  if (firstEval === null || lastEval === null) return Number.isFinite(guessLoss);
  return lastEval.loss > firstEval.loss || isGuess(lastEval.loss, guessLoss);
}

/** Why a diverged run stops. */
export function divergenceError(progress: Progress, guessLoss: number): ScaloraError {
  const { step, firstLoss, averageLoss, best } = progress;
  const guess = hasCollapsed(progress, guessLoss)
    ? `, and ${guessLoss.toFixed(4)} is the loss of guessing`
    : "";
  const kept =
    best === null ? "" : `; the best evaluation was ${best.loss.toFixed(4)}, after step ${best.step}`;
  return new ScaloraError("run", `The training has diverged; the run stops after step ${step}`, {
    found: `a loss of ${firstLoss?.toFixed(4)} in the first step, about ${averageLoss?.toFixed(4)} in the last ${stepsOfDivergence}${guess}${kept}`,
    fix: "start a new run with a lower train.lr, a longer train.warmup or a lower train.clip (train.stopOnDivergence: false trains on)",
  });
}

/** Whether a run that did not start at the loss of guessing ends there, by its last evaluation or, without one, its last loss. */
export function hasCollapsed({ firstLoss, lastEval, loss }: Progress, guessLoss: number): boolean {
  return firstLoss !== null && loss !== null && isCollapsed(firstLoss, lastEval?.loss ?? loss, guessLoss);
}

/** What is worse at the end of a run than at its beginning, in words; undefined when nothing is. */
export function divergenceAtEnd(progress: Progress, guessLoss: number): string | undefined {
  const { firstEval, lastEval, firstLoss, averageLoss, best } = progress;
  if (hasCollapsed(progress, guessLoss))
    return `the loss is that of guessing, ${guessLoss.toFixed(4)}: the model has lost what it knew`;
  const from = firstEval?.loss ?? firstLoss;
  const to = firstEval === null ? averageLoss : (lastEval?.loss ?? null);
  if (from === null || to === null || to <= from * (1 + (firstEval ? evalMargin : trainMargin)))
    return undefined;
  const kept = best !== null && best.loss < from ? `, ${best.loss.toFixed(4)} after step ${best.step}` : "";
  const which = firstEval === null ? "training" : "held-out";
  return `${which} loss ${from.toFixed(4)} before training${kept}, ${to.toFixed(4)} at the end`;
}
