import { methodNamed } from "../adapters/registry.ts";
import { elementAt } from "../util/elements.ts";
import { type Candidate, type SweptValue, sweptKeys } from "./candidates.ts";
import type { Setting } from "./method-settings.ts";
import { mean } from "./statistics.ts";
import {
  findResult,
  type PrimaryMetric,
  primaryMetric,
  resultsOf,
  type SeedSets,
  sweepTrials,
  type Trial,
  type TrialResult,
} from "./trials.ts";

/** A candidate of a sweep with the mean of its metric over the tuning seeds; null when it failed on one of them. */
export interface SweptCandidate {
  readonly candidate: Candidate;
  readonly value: number | null;
}

/** What a setting's sweep has chosen so far. */
export interface Selection {
  /** Undefined when every candidate failed. */
  readonly best: Candidate | undefined;
  /** One for each candidate; empty where there was nothing to choose. */
  readonly sweep: readonly SweptCandidate[];
}

/**
 * Chooses among a setting's candidates by the mean of their metric over the tuning seeds; of equal means by the mean loss,
 * then the lower learning rate. A candidate that failed on one seed is never the best.
 */
export function selectCandidate(
  setting: Setting,
  { tuningSeeds }: SeedSets,
  results: readonly TrialResult[],
): Selection {
  const { candidates } = setting;
  if (candidates.length < 2) return { best: candidates[0], sweep: [] };
  const tried = candidates.map((candidate) => ({
    candidate,
    average: averageOf(resultsOf(setting, candidate, tuningSeeds, results), tuningSeeds.length),
  }));
  const finished = tried.flatMap(({ candidate, average }) => (average ? [{ candidate, average }] : []));
  const [best] = finished.sort(
    (a, b) => compareAverages(a.average, b.average) || a.candidate.lr - b.candidate.lr,
  );
  return {
    best: best?.candidate,
    sweep: tried.map(({ candidate, average }) => ({ candidate, value: average?.value ?? null })),
  };
}

interface Average extends PrimaryMetric {
  /** Mean loss, which tells equal metrics apart. */
  readonly loss: number;
}

/** The mean over all seeds; undefined unless each has a result. */
function averageOf(results: readonly TrialResult[], seeds: number): Average | undefined {
  const metrics = results.flatMap((result) => primaryMetric(result) ?? []);
  if (metrics.length < seeds || seeds === 0) return undefined;
  return {
    value: mean(metrics.map(({ value }) => value)),
    higherIsBetter: elementAt(metrics, 0).higherIsBetter,
    loss: mean(results.map(({ loss }) => loss ?? Number.POSITIVE_INFINITY)),
  };
}

/** Below 0 when `a` is better. */
function compareAverages(a: Average, b: Average): number {
  const byValue = a.higherIsBetter ? b.value - a.value : a.value - b.value;
  if (byValue !== 0) return byValue;
  return a.loss === b.loss ? 0 : a.loss - b.loss;
}

/**
 * The trials that can run now: every candidate of a setting on the tuning seeds, then the best one on the others. The runs
 * that chose are not among those that count, for the best of several results is too good by chance.
 */
export function pendingTrials(
  settings: readonly Setting[],
  seedSets: SeedSets,
  results: readonly TrialResult[],
): Trial[] {
  const trials = settings.flatMap((setting) => {
    const sweep = sweepTrials(setting, seedSets);
    const open = sweep.filter((trial) => findResult(trial, results) === undefined);
    if (open.length > 0) return open;
    const { best } = selectCandidate(setting, seedSets, results);
    return best === undefined ? [] : seedSets.seeds.map((seed) => ({ setting, candidate: best, seed }));
  });
  const order = [...seedSets.tuningSeeds, ...seedSets.seeds];
  return trials
    .filter((trial) => findResult(trial, results) === undefined)
    .sort((a, b) => order.indexOf(a.seed) - order.indexOf(b.seed));
}

/** A best value that is the smallest or largest tried, though the option has values beyond, with the one to try next. */
export interface SweepEdge {
  /** `lr`, or the path of an option of the adapter section. */
  readonly key: string;
  readonly value: number;
  /** About as far beyond as the neighbour is within, by ratio. */
  readonly next: number;
}

/** Where a sweep's best candidate is at its edge and its method takes values beyond; texts and switches have no edge. */
export function sweepEdges(setting: Pick<Setting, "method" | "candidates">, best: Candidate): SweepEdge[] {
  const axes = ["lr", ...Object.keys(best.options)];
  return axes.flatMap((key): SweepEdge[] => {
    const value = valueAt(best, key);
    const tried = setting.candidates.map((candidate) => valueAt(candidate, key));
    const values = [...new Set(tried.filter((each) => typeof each === "number"))].sort((a, b) => a - b);
    if (typeof value !== "number" || values.length < 2) return [];
    const at = values.indexOf(value);
    const neighbour = at === 0 ? values[1] : at === values.length - 1 ? values[at - 1] : undefined;
    if (neighbour === undefined) return [];
    const beyond = valueBeyond(value, neighbour);
    const next = [beyond, wholeBeyond(value, beyond)].find((each) => takes(setting.method, key, value, each));
    return next === undefined ? [] : [{ key, value, next }];
  });
}

const valueAt = ({ lr, options }: Candidate, key: string): SweptValue | undefined =>
  key === "lr" ? lr : options[key];

function valueBeyond(value: number, neighbour: number): number {
  const next = value > 0 && neighbour > 0 ? value * (value / neighbour) : 2 * value - neighbour;
  return Number(next.toPrecision(2));
}

/** For options that are whole numbers: rounded, and at least one further than the best. */
const wholeBeyond = (value: number, beyond: number) =>
  beyond < value ? Math.min(Math.round(beyond), value - 1) : Math.max(Math.round(beyond), value + 1);

/** Whether a method's option takes a value; true where its schema cannot tell, because it does not take the best one alone. */
function takes(method: string, key: string, best: number, value: number): boolean {
  if (key === "lr") return true;
  return hasIssue(method, key, best) || !hasIssue(method, key, value);
}

function hasIssue(method: string, key: string, value: number): boolean {
  const section = { method, ...sweptKeys({ lr: 0, options: { [key]: value } }) };
  return methodNamed(method)?.schema.safeParse(section).success === false;
}
