import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunEvent } from "../run/events.ts";
import { elementAt } from "../util/elements.ts";
import { type ReportData, runCharts, runReport } from "./index.ts";
import { alignSeries, downsample, movingAverage } from "./page/chart-series.ts";
import { writeReport } from "./write-report.ts";

test("long lines are averaged in buckets, short ones left alone", () => {
  const line = { name: "a", x: [1, 2, 3, 4, 5], y: [1, 3, null, 5, 7] };
  expect(downsample(line, 5)).toBe(line);
  expect(downsample(line, 3)).toEqual({ name: "a", x: [2, 4, 5], y: [2, 5, 7] });
  expect(movingAverage(line.y, 2)).toEqual([1, 2, null, 4, 6]);
});

test("lines of different steps share one axis", () => {
  const lines = [
    { name: "a", x: [1, 3], y: [10, 30] },
    { name: "b", x: [2, 3], y: [20, 31] },
  ];
  expect(alignSeries(lines)).toEqual([
    [1, 2, 3],
    [10, null, 30],
    [null, 20, 31],
  ]);
});

const step = (number: number): RunEvent => ({
  type: "step",
  step: number,
  loss: 3 / number,
  lr: 0.1,
  gradNorm: 1,
  clipped: false,
  tokens: 10,
  labelTokens: 5,
  seconds: 0.5,
  memory: 1000,
});

const layer = (rank: number) => ({ path: "q_proj", rank, entropyRank: rank });

const events: RunEvent[] = [
  { type: "sample", step: 0, prompt: "2+2=", output: "7", expected: "4" },
  step(1),
  step(2),
  { type: "eval", step: 2, loss: 1.25, labelTokens: 50, best: true, seconds: 1 },
  {
    type: "method",
    step: 2,
    report: {
      kind: "scaling",
      alpha: [0.5, 1, 2],
      beta: [0, 1.5, 3],
      branches: { column: 4 },
      cutMean: 0.25,
      columnSteps: 40,
      normGrowth: 0.01,
      growthOverNoise: Number.NaN,
    },
  },
  step(3),
  { type: "rank", step: 2, layers: [layer(3), layer(5)] },
  { type: "sample", step: 2, prompt: "2+2=", output: "4 ", expected: "4" },
];

test("a task's metrics have a chart", () => {
  const evaluation = (number: number): RunEvent => ({
    type: "eval",
    step: number,
    loss: 1,
    labelTokens: 5,
    best: true,
    seconds: 1,
    score: 0.5,
    metrics: { f1: number / 10, accuracy: 0.5 },
  });
  const { charts } = runReport({ name: "mrpc", events: [evaluation(1), evaluation(2)] });
  expect(charts.find(({ title }) => title === "Held-out metrics")?.series).toEqual([
    { name: "f1", x: [1, 2], y: [0.1, 0.2] },
    { name: "accuracy", x: [1, 2], y: [0.5, 0.5] },
  ]);
});

test("a run's events become curves, rank growth, scaling factors and samples", () => {
  const report = runReport({ name: "tiny-scalora", events });
  const series = new Map(report.charts.map((chart) => [chart.title, chart.series]));
  expect(series.get("Training loss")).toEqual([{ name: "tiny-scalora", x: [1, 2, 3], y: [3, 1.5, 1] }]);
  expect(series.get("Held-out loss")).toEqual([{ name: "tiny-scalora", x: [2], y: [1.25] }]);
  expect(series.get("Rank of the accumulated change")).toEqual([{ name: "tiny-scalora", x: [2], y: [4] }]);
  expect(series.get("Truncated by factored bases")).toEqual([{ name: "tiny-scalora", x: [2], y: [0.25] }]);
  expect(series.get("Column length in steps")).toEqual([{ name: "tiny-scalora", x: [2], y: [40] }]);
  expect(series.get("Norm growth between events")).toEqual([{ name: "tiny-scalora", x: [2], y: [0.01] }]);
  expect(series.get("Growth over noise")).toEqual([{ name: "tiny-scalora", x: [2], y: [null] }]);
  expect(series.get("Loss one step after an event minus at it")).toEqual([
    { name: "tiny-scalora", x: [2], y: [-0.5] },
  ]);
  expect(series.get("Scaling factors")?.map(({ name, y }) => [name, y])).toEqual([
    ["alpha, least", [0.5]],
    ["alpha, median", [1]],
    ["alpha, largest", [2]],
    ["beta, median", [1.5]],
    ["beta, largest", [3]],
  ]);
  expect(report.samples).toEqual([
    {
      prompt: "2+2=",
      outputs: [
        { name: "reference", text: "4" },
        { name: "before", text: "7", mark: "wrong" },
        { name: "step 2", text: "4 ", mark: "right" },
      ],
    },
  ]);
});

test("ranks recorded on the way come before the one at the end, which stands for its step", () => {
  const look = (at: number, rank: number): RunEvent => {
    const layers = [{ path: "q_proj", change: { rank, entropyRank: rank, complete: true } }];
    return { type: "analysis", step: at, seconds: 0.1, layers };
  };
  const { charts } = runReport({ name: "run", events: [look(1, 1), look(2, 3), ...events] });
  expect(charts.find(({ title }) => title === "Rank of the accumulated change")?.series).toEqual([
    { name: "run", x: [1, 2], y: [1, 4] },
  ]);
});

test("charts of several runs name them; those without data are left out", () => {
  const charts = runCharts([
    { name: "lora", events: [step(1)] },
    { name: "full", events: [step(1)] },
  ]);
  expect(charts.map(({ title }) => title)).toEqual(["Training loss", "Learning rate", "Speed", "Memory"]);
  expect(elementAt(charts, 0)?.series.map(({ name }) => name)).toEqual(["lora", "full"]);
});

test("a run has one colour in all charts, also where another has no line", () => {
  const evaluation: RunEvent = { type: "eval", step: 1, loss: 1, labelTokens: 5, best: true, seconds: 1 };
  const charts = runCharts([
    { name: "lora", events: [step(1)] },
    { name: "full", events: [step(1), evaluation] },
  ]);
  const colours = new Map(charts.map(({ title, series }) => [title, series.map(({ colour }) => colour)]));
  expect(colours.get("Training loss")).toEqual([0, 1]);
  expect(colours.get("Held-out loss")).toEqual([1]);
});

/** Writes a report and reads it back. */
function written(data: Partial<ReportData>): string {
  const folder = mkdtempSync(join(tmpdir(), "scalora-report-"));
  try {
    const path = join(folder, "report.html");
    writeReport(path, { title: "t", facts: [], charts: [], tables: [], samples: [], ...data });
    return readFileSync(path, "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the page is one file that asks nobody for anything", () => {
  const page = written(runReport({ name: "run", events }));
  expect(page).toContain("uPlot");
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/<(?:link|img|iframe|script)[^>]+(?:src|href)=/i);
  expect(page).not.toMatch(/@import|url\(/);
});

test("no text can become markup, wherever it stands", () => {
  const evil = `</script><img src=x onerror="alert(1)">'&`;
  const page = written({
    title: evil,
    headline: { text: evil, certainty: evil, tone: "result" },
    warnings: [evil],
    groups: [{ title: evil, facts: [{ label: evil, value: evil }] }],
    summary: evil,
    facts: [{ label: evil, value: evil }],
    charts: [
      { title: evil, note: evil, xLabel: evil, yLabel: evil, series: [{ name: evil, x: [1], y: [1] }] },
    ],
    tables: [{ title: evil, note: evil, columns: [{ title: evil }], rows: [[evil]] }],
    samples: [{ prompt: evil, outputs: [{ name: evil, text: evil, mark: "wrong" }] }],
    next: [evil],
  });
  expect(page).not.toContain("<img");
  expect(page.match(/<\/script>/g)).toHaveLength(3);
  const json = /<script type="application\/json" id="charts">(.*)<\/script>/.exec(page)?.[1];
  expect(JSON.parse(json ?? "")[0].names).toEqual([evil]);
});
