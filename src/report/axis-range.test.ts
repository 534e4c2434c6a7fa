import { expect, test } from "vitest";
import { rangeAroundStep, rangeAroundValue } from "./page/axis-range.ts";

test("a lone step is in the middle, and the only whole number", () => {
  expect(rangeAroundStep(0)).toEqual([-0.5, 0.5]);
  expect(rangeAroundStep(100)).toEqual([99.5, 100.5]);
});

test.each([
  [2.5, 2.25, 2.75],
  [-2, -2.2, -1.8],
  [0, -1, 1],
  [1e-4, 0.9e-4, 1.1e-4],
])("the value %d is in the middle", (value, low, high) => {
  expect(rangeAroundValue(value)[0]).toBeCloseTo(low, 12);
  expect(rangeAroundValue(value)[1]).toBeCloseTo(high, 12);
});
