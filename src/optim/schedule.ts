import { ScaloraError } from "../util/errors.js";

export const scheduleNames = ["constant", "linear", "cosine", "inverse-sqrt"] as const;
export type ScheduleName = (typeof scheduleNames)[number];

export interface ScheduleOptions {
  name: ScheduleName;
  /** Peak learning rate. */
  lr: number;
  /** Steps of the whole run. */
  steps: number;
  /** A share of the steps when below 1, else a number of steps; default 0. */
  warmup?: number;
}

export interface Schedule {
  readonly peakLr: number;
  readonly warmupSteps: number;
  /** Learning rate of a step; steps count from 1. */
  lrAt(step: number): number;
}

/** `warmup` as whole steps: a share (below 1) is rounded up, as transformers does. */
export function countWarmupSteps(warmup: number, steps: number): number {
  return warmup < 1 ? Math.ceil(warmup * steps) : warmup;
}

/**
 * A learning rate per step: a linear rise to the peak over the warm-up, reached one step after it, then the
 * shape. After the warm-up the rates are those of transformers' schedules of these names; in it, the first
 * step is not wasted on a rate of 0 (step k has k/(warm-up + 1) of the peak), as nanoGPT does.
 */
export function makeSchedule({ name, lr, steps, warmup = 0 }: ScheduleOptions): Schedule {
  check("lr", lr, Number.isFinite(lr) && lr >= 0, "a number ≥ 0");
  check("steps", steps, Number.isSafeInteger(steps) && steps >= 1, "a whole number ≥ 1");
  check(
    "warmup",
    warmup,
    warmup >= 0 && (warmup < 1 || Number.isSafeInteger(warmup)),
    "a share in [0, 1) or whole steps",
  );
  const warmupSteps = countWarmupSteps(warmup, steps);
  check("warmup", warmup, warmupSteps < steps, `less than the run's ${steps} steps`);
  const shape = shapes[name];
  const lrAt = (step: number) =>
    step <= warmupSteps
      ? (lr * step) / (warmupSteps + 1)
      : lr * shape(step - 1 - warmupSteps, steps - warmupSteps, warmupSteps);
  return { peakLr: lr, warmupSteps, lrAt };
}

/** Share of the peak, `done` steps after the warm-up of the `all` that follow it. */
const shapes: Record<ScheduleName, (done: number, all: number, warmupSteps: number) => number> = {
  constant: () => 1,
  linear: (done, all) => Math.max(0, 1 - done / all),
  cosine: (done, all) => (1 + Math.cos(Math.PI * Math.min(1, done / all))) / 2,
  "inverse-sqrt": (done, _all, warmupSteps) => Math.sqrt((warmupSteps + 1) / (warmupSteps + 1 + done)),
};

function check(key: string, value: number, ok: boolean, expected: string): void {
  if (!ok)
    throw new ScaloraError("config", `Schedule: ${key} is out of range`, { expected, found: String(value) });
}
