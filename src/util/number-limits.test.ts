import { expect, test } from "vitest";
import { isWithinLimits, limitsText } from "./number-limits.ts";

test.each([
  [{}, "a number", [0, -1.5], [Number.NaN, Number.POSITIVE_INFINITY, "1", null, 1n]],
  [{ whole: true, least: 1 }, "an integer, at least 1", [1, 7], [0, 1.5, 2 ** 53]],
  [{ above: 0 }, "a number above 0", [1e-9], [0, -1]],
  [{ above: 0, most: 1 }, "a number above 0, at most 1", [0.5, 1], [0, 1.1]],
  [{ least: 0, below: 1 }, "a number, at least 0, below 1", [0, 0.9], [1, -0.1]],
  [{ whole: true, least: 1, most: 4 }, "an integer, at least 1, at most 4", [1, 4], [0, 5]],
])("%j is %s", (limits, text, good, bad) => {
  expect(limitsText(limits)).toBe(text);
  for (const value of good) expect(isWithinLimits(value, limits)).toBe(true);
  for (const value of bad) expect(isWithinLimits(value, limits)).toBe(false);
});
