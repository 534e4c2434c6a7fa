import { expect, test } from "vitest";
import { sweepCharts } from "./report.ts";
import type { CompareRow } from "./summary.ts";

const row = (setting: string, sweep: CompareRow["sweep"]): CompareRow => ({
  ...{
    setting,
    lr: 0.1,
    options: sweep[0]?.options ?? {},
    figure: "loss",
    mean: 1,
    deviation: null,
    seeds: 1,
  },
  results: [],
  difference: null,
  edges: [],
  sweep,
  trainable: null,
  secondsPerStep: null,
  memory: null,
  rank: null,
});
const point = (lr: number, L: number, value: number | null) => ({
  lr,
  options: { "scale.lipschitz": L },
  value,
});

test("a sweep of an option at one rate has a chart of its own", () => {
  const rows = [row("lora", []), row("scalora", [point(0.1, 10, 3), point(0.1, 100, null)])];
  expect(sweepCharts(rows)).toEqual([
    {
      title: "Sweep of scale.lipschitz",
      xLabel: "log10 of scale.lipschitz",
      yLabel: "loss",
      series: [{ name: "scalora", x: [1, 2], y: [3, null] }],
    },
  ]);
});

test("rates and an option swept together have a chart each, with a series for each value of the other", () => {
  const sweep = [point(0.1, 10, 1), point(1, 10, 2), point(0.1, 100, 3), point(1, 100, 4)];
  const charts = sweepCharts([row("scalora", sweep), row("lora", [{ lr: 1, options: {}, value: 5 }])]);
  expect(charts.map(({ title, series }) => [title, ...series])).toEqual([
    [
      "Sweep of the learning rate",
      { name: "scalora scale.lipschitz 10", x: [-1, 0], y: [1, 2] },
      { name: "scalora scale.lipschitz 100", x: [-1, 0], y: [3, 4] },
    ],
    [
      "Sweep of scale.lipschitz",
      { name: "scalora lr 0.1", x: [1, 2], y: [1, 3] },
      { name: "scalora lr 1", x: [1, 2], y: [2, 4] },
    ],
  ]);
});
