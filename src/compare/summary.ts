import type { Candidate } from "./candidates.ts";
import type { Setting } from "./method-settings.ts";
import { type SweepEdge, selectCandidate, sweepEdges } from "./selection.ts";
import { deviation, mean, median, type PairedDifference, pairedDifference } from "./statistics.ts";
import { primaryMetric, resultsOf, type SeedSets, type TrialResult } from "./trials.ts";

/** A row of the closing table: a setting at the candidate that its sweep has chosen. */
export interface CompareRow {
  setting: string;
  lr: number;
  /** Chosen values of swept options, by path; empty where only rates are swept. */
  options: Candidate["options"];
  /** The metric of `mean`: a task's score, or the held-out loss. */
  figure: "score" | "loss";
  /** Over the seeds that count, without those of the sweep. */
  mean: number;
  /** Standard deviation over the seeds (n − 1); null for one seed. */
  deviation: number | null;
  /** Number of seeds, without failed runs. */
  seeds: number;
  /** The metric on each of them. */
  results: { seed: number; value: number }[];
  /** How much the metric is above that of the first row, over runs of the same seeds; null on the first row, or without such runs. */
  difference: PairedDifference | null;
  trainable: number | null;
  secondsPerStep: number | null;
  memory: number | null;
  rank: number | null;
  /** Where the chosen values are the first or last of several: a wider sweep may find better ones. */
  edges: SweepEdge[];
  /** The metric at every candidate, averaged over the tuning seeds; null for a failed one. Empty without a sweep. */
  sweep: { lr: number; options: Candidate["options"]; value: number | null }[];
}

/** Two settings compared on the same seeds. */
export interface SettingDifference extends PairedDifference {
  readonly setting: string;
  /** What it is compared with: the mean is that of setting − other. */
  readonly other: string;
}

/** The rows of the comparison; settings without any result are left out. */
export function summarise(
  settings: readonly Setting[],
  seedSets: SeedSets,
  results: readonly TrialResult[],
): CompareRow[] {
  const rows = settings.flatMap((setting) => summariseSetting(setting, seedSets, results) ?? []);
  const [first, ...others] = rows;
  if (first === undefined) return [];
  return [first, ...others.map((row) => ({ ...row, difference: differenceOf(row, first) ?? null }))];
}

function summariseSetting(
  setting: Setting,
  seedSets: SeedSets,
  results: readonly TrialResult[],
): CompareRow | undefined {
  const { best, sweep } = selectCandidate(setting, seedSets, results);
  if (best === undefined) return undefined;
  const runs = resultsOf(setting, best, seedSets.seeds, results);
  const found = runs.flatMap((run) => {
    const metric = primaryMetric(run);
    return metric === undefined ? [] : [{ run, metric }];
  });
  const [first] = found;
  if (first === undefined) return undefined;
  const values = found.map(({ metric }) => metric.value);
  return {
    setting: setting.name,
    lr: best.lr,
    options: best.options,
    figure: first.metric.higherIsBetter ? "score" : "loss",
    mean: mean(values),
    deviation: deviation(values),
    seeds: values.length,
    results: found.map(({ run, metric }) => ({ seed: run.seed, value: metric.value })),
    difference: null,
    trainable: first.run.trainable,
    secondsPerStep: medianOf(runs, "secondsPerStep"),
    memory: medianOf(runs, "memory"),
    rank: medianOf(runs, "rank"),
    edges: sweepEdges(setting, best),
    sweep: sweep.map(({ candidate, value }) => ({ ...candidate, value })),
  };
}

/** How much a row's metric is above another's, on the seeds of both; undefined without such seeds. */
export function differenceOf(row: CompareRow, other: CompareRow): PairedDifference | undefined {
  const differences = row.results.flatMap(({ seed, value }) => {
    const same = other.results.find((result) => result.seed === seed);
    return same === undefined ? [] : [value - same.value];
  });
  return pairedDifference(differences);
}

/** Every two rows compared, each with those above it. */
export function allDifferences(rows: readonly CompareRow[]): SettingDifference[] {
  return rows.flatMap((row, i) =>
    rows.slice(0, i).flatMap((other) => {
      const difference = differenceOf(row, other);
      return difference === undefined ? [] : [{ setting: row.setting, other: other.setting, ...difference }];
    }),
  );
}

function medianOf(results: readonly TrialResult[], key: "secondsPerStep" | "memory" | "rank"): number | null {
  return median(results.flatMap((result) => result[key] ?? []));
}
