import { elementAt } from "../../util/elements.ts";
import { Random } from "../../util/random.ts";

export interface ConfidenceInterval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** The same seed gives the same interval. */
  readonly seed: number;
  /** Samples that are drawn; default 2,000. */
  readonly resamples?: number;
  /** Share of the samples' scores within the interval; default 0.95. */
  readonly level?: number;
}

/**
 * Percentile bootstrap interval of a score over rows (Efron 1979): rows are drawn with replacement, as many as there are,
 * and the interval holds the middle `level` of the scores. Equals scipy's `bootstrap(method="percentile")` up to the
 * draws. Samples whose score is not a number (a correlation of equal values) are left out.
 * @param rows how many rows there are
 * @param score of the rows with these numbers, of which some come several times
 * @returns NaN at both ends where no sample has a score
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

/** Linear between the neighbouring values, as numpy's default. */
function quantile(sorted: Float64Array, fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = fraction * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return elementAt(sorted, below) + (elementAt(sorted, above) - elementAt(sorted, below)) * (place - below);
}
