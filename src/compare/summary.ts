import type { Setting } from "./method-settings.ts";
import { bestResult, primaryMetric, sweepResults, type TrialResult } from "./trials.ts";

/** A row of the closing table: a setting at its best learning rate. */
export interface CompareRow {
  setting: string;
  lr: number;
  /** Swept options at which the setting is best; absent where only rates are swept. */
  options?: TrialResult["options"];
  /** The metric of `mean`: a task's score, or the held-out loss. */
  figure: "score" | "loss";
  mean: number;
  /** Standard deviation over the seeds (n − 1); null for one seed. */
  deviation: number | null;
  /** Number of seeds, without failed runs. */
  seeds: number;
  trainable: number | null;
  secondsPerStep: number | null;
  memory: number | null;
  rank: number | null;
  /** Whether the best rate is the first or last of several: a wider sweep may find a better one. */
  atEdge: boolean;
  /** The metric on the first seed at every rate; null for a failed run. */
  sweep: { lr: number; value: number | null }[];
}

/** The rows of the comparison; settings without any result are left out. */
export function summarise(
  settings: readonly Setting[],
  seeds: readonly number[],
  results: readonly TrialResult[],
): CompareRow[] {
  return settings.flatMap((setting) => {
    const swept = sweepResults(setting, seeds, results);
    const best = bestResult(swept);
    if (best === undefined) return [];
    const atBest = results.filter(
      ({ setting: name, lr, seed }) => name === setting.name && lr === best.lr && seeds.includes(seed),
    );
    const figures = atBest.flatMap((result) => primaryMetric(result) ?? []);
    const values = figures.map(({ value }) => value);
    const lrs = setting.candidates.map(({ lr }) => lr);
    const row: CompareRow = {
      setting: setting.name,
      lr: best.lr,
      ...(best.options && { options: best.options }),
      figure: figures[0]?.higherIsBetter ? "score" : "loss",
      mean: mean(values),
      deviation: deviation(values),
      seeds: values.length,
      trainable: best.trainable,
      secondsPerStep: medianOf(atBest, "secondsPerStep"),
      memory: medianOf(atBest, "memory"),
      rank: medianOf(atBest, "rank"),
      atEdge: lrs.length > 1 && (best.lr === lrs[0] || best.lr === lrs[lrs.length - 1]),
      sweep: swept.map((result) => ({ lr: result.lr, value: primaryMetric(result)?.value ?? null })),
    };
    return [row];
  });
}

/** The arithmetic mean of at least one value. */
export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

function medianOf(results: readonly TrialResult[], key: "secondsPerStep" | "memory" | "rank"): number | null {
  return median(results.flatMap((result) => result[key] ?? []));
}

/** The median; null without values. */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
