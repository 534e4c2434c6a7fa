import type { TrialResult } from "../trials.ts";

/** The result of a trial that has these figures. */
export function trialResult(
  setting: string,
  lr: number,
  seed: number,
  figures: Partial<TrialResult>,
): TrialResult {
  const nothing = { score: null, loss: null, trainable: 10, secondsPerStep: 0.5, memory: 100, rank: null };
  return { setting, lr, seed, ...nothing, failed: null, data: null, model: null, folder: "", ...figures };
}
