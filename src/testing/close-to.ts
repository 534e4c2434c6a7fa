import { expect } from "vitest";
import { zip } from "../util/elements.ts";
import type { Tolerance } from "./tolerances.ts";

/** Where and how much two equally long lists of numbers differ. */
export interface Difference {
  /** In the tolerance's measure; infinite if a value is not finite or the lengths differ. */
  error: number;
  /** Index of the largest |Δ|. */
  index: number;
  actual: number;
  expected: number;
}

export function compare(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  measure: Tolerance["measure"],
): Difference {
  if (actual.length !== expected.length) {
    return { error: Number.POSITIVE_INFINITY, index: -1, actual: actual.length, expected: expected.length };
  }
  let [index, worst, largest, squares, referenceSquares] = [0, -1, 0, 0, 0];
  for (const [i, [found, reference]] of zip(Array.from(actual), expected).entries()) {
    const difference = Math.abs(found - reference);
    if (!(difference <= worst))
      [index, worst] = [i, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference];
    largest = Math.max(largest, Math.abs(reference));
    squares += difference ** 2;
    referenceSquares += reference ** 2;
  }
  const relative = (part: number, whole: number) => (part === 0 || actual.length === 0 ? 0 : part / whole);
  const error =
    measure === "max" ? relative(worst, largest) : relative(Math.sqrt(squares), Math.sqrt(referenceSquares));
  return {
    error: Number.isNaN(error) ? Number.POSITIVE_INFINITY : error,
    index,
    actual: actual[index] ?? Number.NaN,
    expected: expected[index] ?? Number.NaN,
  };
}

interface CloseMatchers<R = unknown> {
  /** Passes within a tolerance of the reference values; the message has the error and the worst element. */
  toBeCloseToAll(expected: ArrayLike<number>, tolerance: Tolerance): R;
}

declare module "vitest" {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown>
    extends CloseMatchers<R> {}
}

expect.extend({
  toBeCloseToAll(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance) {
    const difference = compare(actual, expected, tolerance.measure);
    return {
      pass: difference.error <= tolerance.limit,
      message: () =>
        difference.index < 0
          ? `expected ${difference.expected} numbers, found ${difference.actual}`
          : `relative error (${tolerance.measure}) ${difference.error.toExponential(2)}, limit ${tolerance.limit} ` +
            `(${tolerance.reason}); worst at [${difference.index}]: found ${difference.actual}, ` +
            `expected ${difference.expected}, difference ${(difference.actual - difference.expected).toExponential(2)}`,
    };
  },
});
