import type { MeasuredRow, MeasuredTechnique } from "../results.ts";

const same = <Value>(value: Value) => ({ A: value, ours: value, F: value });
const seconds = (cpu: number, wall = cpu) => ({ cpu, wall });

/** A row of two rounds: ours is 4 and 6 times as fast as A, 2 and 1.5 times as fast as F by the CPU's time. */
export function measuredRow(changes: Partial<MeasuredRow> = {}): MeasuredRow {
  return {
    name: "S-float32-1",
    title: "S, a random Llama",
    dtype: "float32",
    threads: 1,
    busy: 0,
    date: "2026-11-29T21:00:00.000Z",
    tokens: 600,
    padded: 1000,
    differences: same({ loss: 0, gradient: 0, tensor: "q_proj" }),
    losses: { ours: 0, F: 0 },
    rounds: [
      { A: seconds(4, 10), ours: seconds(1, 2), F: seconds(2, 3) },
      { A: seconds(6, 12), ours: seconds(1, 3), F: seconds(1.5, 3) },
    ],
    peakMiB: { A: 3000, ours: 500, F: 1000 },
    notes: same(""),
    load: { average: [1, 2], others: 0.25 },
    ...changes,
  };
}

/** A technique without which two rounds took 2 and 1.5 times as long. */
export function measuredTechnique(changes: Partial<MeasuredTechnique> = {}): MeasuredTechnique {
  const { padded: _, ...setting } = measuredRow();
  const both = <Value>(full: Value, without: Value) => ({ full, without });
  const difference = { loss: 0, gradient: 0, tensor: "q_proj" };
  return {
    ...setting,
    name: "techniques-S-float32-padding",
    technique: "padding",
    differences: both(difference, difference),
    losses: 0,
    rounds: [both(seconds(1), seconds(2)), both(seconds(2), seconds(3))],
    peakMiB: both(500, 700),
    notes: both("", ""),
    ...changes,
  };
}
