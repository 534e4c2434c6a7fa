import { zip } from "../../util/elements.ts";
import { groupBy } from "../../util/group-by.ts";
import { checkLengths } from "./classification.ts";

/** Pearson's correlation. Equals scipy's `pearsonr`; NaN for fewer than two rows or where one side is constant. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkLengths(a, b);
  if (a.length < 2 || isConstant(a) || isConstant(b)) return Number.NaN;
  const [x, y] = [unit(a), unit(b)];
  const sum = zip(x, y).reduce((total, [left, right]) => total + left * right, 0);
  return Math.min(1, Math.max(-1, sum));
}

/** Spearman's correlation: Pearson's of the ranks, equal values sharing their mean rank. Equals scipy's `spearmanr`. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(ranks(a), ranks(b));
}

/** Ranks from 1; equal values share the mean of their ranks. NaN everywhere when a value is not a number. */
function ranks(values: ArrayLike<number>): Float64Array {
  const result = new Float64Array(values.length).fill(Number.NaN);
  const ordered = [...Array.from(values).entries()].sort(([, a], [, b]) => a - b);
  if (ordered.some(([, value]) => Number.isNaN(value))) return result;
  let below = 0;
  for (const equal of groupBy(ordered, ([, value]) => `${value}`)) {
    for (const [i] of equal) result[i] = below + (1 + equal.length) / 2;
    below += equal.length;
  }
  return result;
}

/** The centred values, normalised to length 1; scaled first, so that squares neither overflow nor vanish. */
function unit(values: ArrayLike<number>): Float64Array {
  const given = Float64Array.from(values);
  const mean = given.reduce((sum, value) => sum + value, 0) / given.length;
  const centred = given.map((value) => value - mean);
  const largest = centred.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scaled = centred.map((value) => value / largest);
  const norm = Math.sqrt(scaled.reduce((sum, value) => sum + value * value, 0));
  return scaled.map((value) => value / norm);
}

function isConstant(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false;
  return true;
}
