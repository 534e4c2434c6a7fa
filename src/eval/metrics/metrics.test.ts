import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { accuracy, binaryF1, matthewsCorrelation, pearson, spearman } from "./index.ts";

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

const golden: { classification: Classified[]; correlation: Correlated[] } = JSON.parse(
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

test("labels and predictions of different rows are refused", () => {
  expect(() => accuracy([1], [1, 0])).toThrow("1 labels and 2 predictions");
});
