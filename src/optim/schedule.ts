import { ScaloraError } from "../util/errors.ts";
import { checkRange, outOfRange } from "./check-range.ts";

export const scheduleNames = ["constant", "linear", "cosine", "polynomial"] as const;
export type ScheduleName = (typeof scheduleNames)[number];

export interface ScheduleOptions {
  name: ScheduleName;
  /** Peak learning rate. */
  lr: number;
  /** Steps of the run. */
  steps: number;
  /** A fraction of the steps when below 1, else a number of steps; default 0. */
  warmup?: number;
}

/** Learning rates by step. */
export interface Schedule {
  readonly peakLr: number;
  readonly warmupSteps: number;
  /** Learning rate of a step; steps count from 1. */
  lrAt(step: number): number;
}

/** Number of warm-up steps: a fraction (below 1) is rounded up, as in transformers, but leaves a step at the peak. */
export function countWarmupSteps(warmup: number, steps: number): number {
  return warmup < 1 ? Math.min(Math.ceil(warmup * steps), steps - 1) : warmup;
}

/**
 * A learning rate for each step: linear warm-up, the peak at the step after it, then the decay, which would reach 0 one step
 * past the end. The decays are those of transformers (polynomial: of power 2); in the warm-up, step k has k/(warm-up + 1) of
 * the peak, as in nanoGPT, so that the first step is not spent on rate 0.
 * @throws `config` when a number is out of range or the warm-up takes the whole run.
 */
export function makeSchedule({ name, lr, steps, warmup = 0 }: ScheduleOptions): Schedule {
  if (!scheduleNames.includes(name))
    throw new ScaloraError("config", "There is no such schedule", {
      expected: scheduleNames.join(", "),
      found: String(name),
    });
  checkRange("Schedule: lr", lr, { least: 0 });
  checkRange("Schedule: steps", steps, { whole: true, least: 1 });
  checkRange("Schedule: warmup", warmup, { least: 0 });
  if (warmup >= 1 && !Number.isSafeInteger(warmup))
    throw outOfRange("Schedule: warmup", "a share of the steps below 1, or a number of steps", warmup);
  const warmupSteps = countWarmupSteps(warmup, steps);
  if (warmupSteps >= steps)
    throw outOfRange("Schedule: warmup", `less than the run's ${steps} steps`, warmup);
  const decayFactor = decayFactors[name];
  const lrAt = (step: number) => {
    if (step <= warmupSteps) return (lr * step) / (warmupSteps + 1);
    return lr * decayFactor(Math.min(1, (step - 1 - warmupSteps) / (steps - warmupSteps)));
  };
  return { peakLr: lr, warmupSteps, lrAt };
}

/** Fraction of the peak at `progress` in [0, 1] through the steps after the warm-up. */
const decayFactors: Record<ScheduleName, (progress: number) => number> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
  polynomial: (progress) => (1 - progress) ** 2,
};
