import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { wilsonInterval } from "./wilson-interval.ts";

interface Trials {
  right: number;
  count: number;
  low: number;
  high: number;
}

const golden: { wilson: Trials[] } = JSON.parse(
  readFileSync(new URL("../../test/golden/metrics.json", import.meta.url), "utf8"),
);

test.each(golden.wilson)("$right of $count: Wilson's interval is scipy's", ({ right, count, low, high }) => {
  const interval = wilsonInterval(right / count, count);
  expect(interval.low).toBeCloseTo(low, 12);
  expect(interval.high).toBeCloseTo(high, 12);
});

test("none and all of few trials say little, and no trials nothing", () => {
  expect(wilsonInterval(0, 5)).toMatchObject({ low: 0 });
  expect(wilsonInterval(0, 5).high).toBeGreaterThan(0.4);
  expect(wilsonInterval(1, 5).low).toBeLessThan(0.6);
  expect(wilsonInterval(1, 5)).toMatchObject({ high: 1 });
  expect(wilsonInterval(Number.NaN, 0).low).toBeNaN();
});
