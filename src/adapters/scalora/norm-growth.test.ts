import { expect, test } from "vitest";
import { normAfterEvent, normGrowth } from "./norm-growth.ts";

const shape = { m: 3, n: 5, rank: 2, scale: 1 };
const norms = { normsA: Float64Array.of(0, 3), normsB: Float64Array.of(4, 0) };

test("growth of the norm, and of its square over that of a random walk", () => {
  const { relative, overNoise } = normGrowth(4, norms, shape, { steps: 10, lr: 0.1 });
  expect(relative).toBeCloseTo(0.25, 12);
  // (5² − 4²) / (10 · .1² · 8 · 2)
  expect(overNoise).toBeCloseTo(9 / 1.6, 12);
  expect(normGrowth(10, norms, shape, { steps: 1, lr: 1 }).overNoise).toBeLessThan(0);
});

test("an event leaves scaled norms, and the optimum's", () => {
  const outcome = {
    path: "p",
    alpha: Float64Array.of(9, 2),
    beta: Float64Array.of(0.5, 9),
    rho: 7,
    ...norms,
  };
  expect(normAfterEvent({ ...outcome, branch: "column" })).toBeCloseTo(Math.hypot(6, 2), 12);
  expect(normAfterEvent({ ...outcome, branch: "oracle" })).toBeCloseTo(14, 12);
});
