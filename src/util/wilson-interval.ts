/** Two ends of an interval of fractions, in [0, 1]. */
export interface ConfidenceInterval {
  readonly low: number;
  readonly high: number;
}

/** The standard normal distribution's 97.5 % quantile. */
const z = 1.959963984540054;

/**
 * Wilson's 95 % score interval of a fraction of `count` trials (Wilson 1927). Equals scipy's
 * `binomtest(k, n).proportion_ci(method="wilson")`. None or all of few trials leave it wide, where resampling them gives no width.
 * @returns NaN at both ends for no trials
 */
export function wilsonInterval(fraction: number, count: number): ConfidenceInterval {
  const scale = 1 + z ** 2 / count;
  const centre = (fraction + z ** 2 / (2 * count)) / scale;
  const spread = (z * Math.sqrt((fraction * (1 - fraction)) / count + z ** 2 / (4 * count ** 2))) / scale;
  return { low: Math.max(0, centre - spread), high: Math.min(1, centre + spread) };
}
