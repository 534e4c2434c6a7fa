import { elementAt } from "../../util/elements.ts";
import { Random } from "../../util/random.ts";

export interface ConfidenceInterval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** Seed of the resampling. */
  readonly seed: number;
  /** Number of resamples; default 2,000. */
  readonly resamples?: number;
  /** Confidence level; default 0.95. */
  readonly level?: number;
}

/**
 * Percentile bootstrap confidence interval of a score over rows (Efron 1979): each resample draws as many rows as there are,
 * with replacement, and the interval holds the middle `level` of the scores. Equals scipy's
 * `bootstrap(method="percentile")` up to the draws. Resamples whose score is NaN (a correlation of equal values) are left out.
 * @param rows number of rows
 * @param score score of the rows with these indices, which may repeat
 * @returns NaN at both ends where no resample has a score
 */
export function bootstrapInterval(
  rows: number,
  score: (sample: Int32Array) => number,
  { seed, resamples = 2000, level = 0.95 }: BootstrapOptions,
): ConfidenceInterval {
  const random = new Random(seed);
  const sample = new Int32Array(rows);
  const scores: number[] = [];
  for (let n = 0; n < resamples && rows > 0; n++) {
    for (let i = 0; i < rows; i++) sample[i] = random.integerBelow(rows);
    const value = score(sample);
    if (!Number.isNaN(value)) scores.push(value);
  }
  const sorted = Float64Array.from(scores).sort();
  return { low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2) };
}

/** Quantile by linear interpolation, numpy's default. */
function quantile(sorted: Float64Array, fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = fraction * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return elementAt(sorted, below) + (elementAt(sorted, above) - elementAt(sorted, below)) * (place - below);
}
