import { expect, test } from "vitest";
import { columnSteps, effectiveStep, impliedLipschitz, turnover } from "./column-norm.ts";
import type { LayerOutcome } from "./event.ts";
import { eventReport } from "./event-report.ts";

const timing = { peakLr: 0.02, lr: 0.01 };
const first = { norms: new Map<string, number>(), steps: 10 };
const wide = { m: 4, n: 9, rank: 2, scale: 2 };
const tall = { m: 16, n: 25, rank: 2, scale: 3 };

function outcome(branch: LayerOutcome["branch"], alpha: number[], beta: number[], rho: number, cut?: number) {
  const norms = { normsA: new Float64Array(2), normsB: new Float64Array(2) };
  const factors = { alpha: Float64Array.from(alpha), beta: Float64Array.from(beta) };
  return { path: "p", branch, ...factors, ...norms, rho, cut };
}

test("an event's report: branches counted, factors by quantiles, means over layers of all banks", () => {
  const report = eventReport(
    [
      {
        shape: wide,
        outcomes: [
          outcome("column", [2, 10], [0.5, 3], 0.5, 0.1),
          outcome("nnls", [1, 4], [9, 0.25], 1, 0.3),
        ],
      },
      { shape: tall, outcomes: [outcome("column", [5, 3], [7, 1], 2)] },
    ],
    timing,
    first,
  );
  const layers = [
    { ...wide, rho: 0.5 },
    { ...wide, rho: 1 },
    { ...tall, rho: 2 },
  ];
  const mean = (of: (layer: (typeof layers)[number]) => number) =>
    layers.reduce((sum, layer) => sum + of(layer), 0) / 3;
  expect(report).toEqual({
    kind: "scaling",
    branches: { column: 2, nnls: 1 },
    alpha: [1, 4, 10],
    beta: [0.25, 3, 9],
    rho: mean(({ rho }) => rho),
    lipschitz: mean(({ rho, scale }) => impliedLipschitz(rho, scale, 0.02)),
    effectiveStep: mean(({ rho, scale, rank, m, n }) => effectiveStep(scale, 0.01, rho, rank, m, n)),
    turnoverA: mean(({ rho, m }) => turnover(0.01, rho, m)),
    turnoverB: mean(({ rho, n }) => turnover(0.01, rho, n)),
    columnSteps: mean(({ rho, m, n }) => columnSteps(0.01, rho, m, n)),
    cutMax: 0.3,
    cutMean: 0.2,
  });
});

test("growth is measured from the norms that the last event left, in layers that have one", () => {
  const at = (path: string, norm: number) => ({
    ...outcome("column", [1, 1], [1, 1], 1),
    path,
    normsA: Float64Array.of(norm, 0),
  });
  const banks = [{ shape: wide, outcomes: [at("a", 3), at("b", 5), at("new", 9), at("empty", 1)] }];
  const norms = new Map([
    ["a", 2],
    ["b", 4],
    ["empty", 0],
  ]);
  const { normGrowth, growthOverNoise } = eventReport(banks, timing, { norms, steps: 10 });
  expect(normGrowth).toBeCloseTo((0.5 + 0.25) / 2, 12);
  // (9 − 4 and 25 − 16) / (10 · .01² · 13 · 2)
  expect(growthOverNoise).toBeCloseTo(7 / 0.026, 10);
});

test("without a base that truncates nothing is said of cuts", () => {
  const banks = [{ shape: wide, outcomes: [outcome("column", [2, 3], [1, 1], 1)] }];
  const report = eventReport(banks, timing, first);
  expect(report).not.toHaveProperty("cutMax");
});
