/** Confidence of the intervals, and power for which seeds are counted. */
const confidence = 0.95;
const power = 0.8;

/** The arithmetic mean of at least one value. */
export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard deviation of a sample (n − 1); null for fewer than two values. */
export function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** The median, the upper of two; null without values. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** Mean ± standard deviation, as text. */
export function spread(values: readonly number[], digits: number): string {
  const of = deviation(values);
  return `${mean(values).toFixed(digits)}${of === null ? "" : ` ± ${of.toFixed(digits)}`}`;
}

/** How much one of two settings is above the other, over runs of the same seeds. */
export interface PairedDifference {
  /** Mean of the differences. */
  readonly mean: number;
  /** Their standard deviation; null for one pair. */
  readonly deviation: number | null;
  /** 95 % interval of the mean, by Student's t; null for one pair. */
  readonly interval: readonly [low: number, high: number] | null;
  /** Number of seeds that both have a result of. */
  readonly pairs: number;
  /** Seeds that would show a difference as large as the mean, by 80 % of such comparisons; null for one pair, or (almost) no difference. */
  readonly seedsNeeded: number | null;
}

/** The difference of paired values; undefined without pairs. */
export function pairedDifference(differences: readonly number[]): PairedDifference | undefined {
  const pairs = differences.length;
  if (pairs === 0) return undefined;
  const centre = mean(differences);
  const spreadOf = deviation(differences);
  if (spreadOf === null) return { mean: centre, deviation: null, interval: null, pairs, seedsNeeded: null };
  const reach = (studentQuantile((1 + confidence) / 2, pairs - 1) * spreadOf) / Math.sqrt(pairs);
  return {
    mean: centre,
    deviation: spreadOf,
    interval: [centre - reach, centre + reach],
    pairs,
    seedsNeeded: seedsToSee(centre, spreadOf),
  };
}

/** Whether the interval of a difference holds 0: its seeds do not tell which is better. One pair never does. */
export const isWithinNoise = ({ interval }: PairedDifference) =>
  interval === null || (interval[0] <= 0 && interval[1] >= 0);

/** Whether all seeds gave the same difference, so that its interval has no width: so few seeds do not tell how wide it is. */
export const isWithoutWidth = ({ mean, deviation }: PairedDifference) =>
  deviation !== null && deviation <= 1e-9 * Math.abs(mean);

/**
 * The smallest number of pairs n for which a paired t test at 5 % finds a true difference d with a power of 80 %:
 * (t₀.₉₇₅ + t₀.₈) · σ/√n ≤ d, the quantiles with n − 1 degrees of freedom. Within 1 of R's `power.t.test`.
 */
function seedsToSee(difference: number, sigma: number): number | null {
  const effect = Math.abs(difference) / sigma;
  if (!(effect > smallestEffect)) return null;
  if (!Number.isFinite(effect)) return 2;
  const normal = Math.ceil((normalQuantiles / effect) ** 2);
  // Beyond, Student's t is the normal distribution but for z²/2 ≈ 2 pairs.
  if (normal > 1000) return normal + 2;
  const sees = (n: number) =>
    studentQuantile((1 + confidence) / 2, n - 1) + studentQuantile(power, n - 1) <= effect * Math.sqrt(n);
  let n = Math.max(2, normal);
  while (!sees(n)) n++;
  return n;
}

/** Standard deviations below which a difference is none: eight million seeds would not show it, and rounding makes as much. */
const smallestEffect = 1e-3;

/** z₀.₉₇₅ + z₀.₈ of the normal distribution. */
const normalQuantiles = 1.959963984540054 + 0.8416212335729143;

/** The quantile of Student's t for a probability in (0.5, 1), by bisection to the last digits. @param freedom whole, from 1 */
export function studentQuantile(probability: number, freedom: number): number {
  const within = 2 * probability - 1;
  let [low, high] = [0, 1];
  while (studentWithin(high, freedom) < within) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, freedom) < within) low = middle;
    else high = middle;
  }
  return high;
}

/** P(|T| ≤ t) for a whole number of degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
function studentWithin(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = 0;
  for (let k = isOdd ? 3 : 2; k <= freedom; k += 2) {
    sum += term;
    term *= ((k - 1) / k) * cosine ** 2;
  }
  return isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}
