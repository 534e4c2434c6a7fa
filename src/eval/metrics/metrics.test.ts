import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { elementAt } from "../../util/elements.ts";
import { accuracy, binaryF1, bootstrapInterval, matthewsCorrelation, pearson, spearman } from "./index.ts";

interface Classified {
  name: string;
  labels: number[];
  predictions: number[];
  accuracy: number;
  matthews: number;
  f1?: number;
}
interface Correlated {
  name: string;
  a: (number | string)[];
  b: (number | string)[];
  pearson: number | null;
  spearman: number | null;
}
interface Sampled {
  name: string;
  values: number[];
  level: number;
  low: number;
  high: number;
}

const golden: { classification: Classified[]; correlation: Correlated[]; bootstrap: Sampled[] } = JSON.parse(
  readFileSync(new URL("../../../test/golden/metrics.json", import.meta.url), "utf8"),
);

test.each(golden.classification)("$name: accuracy, F1 and Matthews are scikit-learn's", (c) => {
  expect(accuracy(c.labels, c.predictions)).toBe(c.accuracy);
  expect(matthewsCorrelation(c.labels, c.predictions)).toBeCloseTo(c.matthews, 12);
  if (c.f1 !== undefined) expect(binaryF1(c.labels, c.predictions)).toBeCloseTo(c.f1, 12);
});

test.each(golden.correlation)("$name: Pearson and Spearman are scipy's", (c) => {
  const [a, b] = [c.a.map(Number), c.b.map(Number)];
  if (c.pearson === null) expect(pearson(a, b)).toBeNaN();
  else expect(pearson(a, b)).toBeCloseTo(c.pearson, 12);
  if (c.spearman === null) expect(spearman(a, b)).toBeNaN();
  else expect(spearman(a, b)).toBeCloseTo(c.spearman, 12);
});

test.each(golden.bootstrap)("$name: the interval of a mean is scipy's but for the draws", (c) => {
  const mean = (sample: Int32Array) =>
    sample.reduce((sum, row) => sum + elementAt(c.values, row), 0) / sample.length;
  const { low, high } = bootstrapInterval(c.values.length, mean, {
    seed: 1,
    resamples: 20_000,
    level: c.level,
  });
  const width = c.high - c.low;
  expect(Math.abs(low - c.low)).toBeLessThanOrEqual(0.04 * width);
  expect(Math.abs(high - c.high)).toBeLessThanOrEqual(0.04 * width);
});

test("a bootstrap depends on its seed alone, and leaves out samples without a score", () => {
  const values = [0, 1, 1, 0, 1, 0, 1, 1];
  const mean = (sample: Int32Array) =>
    sample.reduce((sum, row) => sum + elementAt(values, row), 0) / sample.length;
  const interval = (seed: number) => bootstrapInterval(8, mean, { seed, resamples: 50, level: 0.5 });
  expect(interval(3)).toEqual(interval(3));
  const same = (sample: Int32Array) => pearson(sample, sample);
  expect(bootstrapInterval(2, same, { seed: 0 }).low).toBeCloseTo(1, 12);
  expect(bootstrapInterval(1, same, { seed: 0 }).low).toBeNaN();
  expect(bootstrapInterval(0, mean, { seed: 0 }).high).toBeNaN();
});

test("labels and predictions of different rows are refused", () => {
  expect(() => accuracy([1], [1, 0])).toThrow("1 labels and 2 predictions");
});
