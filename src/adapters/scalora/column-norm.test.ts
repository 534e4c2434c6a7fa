import { expect, test } from "vitest";
import {
  columnNormOf,
  columnSteps,
  effectiveStep,
  impliedLipschitz,
  isOwnNorm,
  keepNorm,
  keptNormFraction,
  turnover,
} from "./column-norm.ts";

const timing = { peakLr: 0.02, elapsed: 10 };
const grams = { normsA: Float64Array.of(3, 0), normsB: Float64Array.of(0, 4), rank: 2 };

test("ρ is the root mean square of a layer's own columns, a given norm, or that of a smoothness L", () => {
  expect(columnNormOf("preserve", 2, timing, grams)).toBeCloseTo(2.5, 12); // √(25 / 4)
  expect(columnNormOf({ horizon: 5 }, 2, timing, grams)).toBeCloseTo(2.5 * Math.exp(-2), 12);
  expect(columnNormOf({ columnNorm: 0.7 }, 2, timing, grams)).toBe(0.7);
  // 1 / (s √(L η)) = 1 / (2 · √(50 · .02))
  expect(columnNormOf({ lipschitz: 50 }, 2, timing, grams)).toBeCloseTo(0.5, 12);
  expect(isOwnNorm("preserve")).toBe(true);
  expect(isOwnNorm({ horizon: 5 })).toBe(true);
  expect(isOwnNorm({ columnNorm: 1 })).toBe(false);
  expect(keptNormFraction("preserve", timing)).toBe(1);
});

test("the L of a norm gives that norm", () => {
  const L = impliedLipschitz(0.5, 2, 0.02);
  expect(L).toBeCloseTo(50, 12);
  expect(columnNormOf({ lipschitz: L }, 2, timing, grams)).toBeCloseTo(0.5, 12);
});

test("the norm of the columns that change is kept, or a share of it; the others stay", () => {
  const factors = { branch: "column", alpha: Float64Array.of(2, 1), beta: Float64Array.of(1, 3) } as const;
  const norms = { normsA: Float64Array.of(3, 7), normsB: Float64Array.of(5, 4), rank: 2 };
  const { branch, alpha, beta } = keepNorm(factors, norms, 0.5);
  expect(branch).toBe("column");
  // 3² + 4² before, 6² + 12² after
  const common = (0.5 * 5) / Math.sqrt(180);
  expect([...alpha]).toEqual([2 * common, 1]);
  expect([...beta]).toEqual([1, 3 * common]);
  const ones = { branch: "skip_small", alpha: Float64Array.of(1), beta: Float64Array.of(1) } as const;
  expect(keepNorm(ones, { normsA: Float64Array.of(1), normsB: Float64Array.of(1), rank: 1 }, 0.5)).toBe(ones);
});

test("effective step, turnover and column length, by their formulas", () => {
  // s lr ρ √(r (1/m + 1/n)): √(8 (1/4 + 1/4)) = 2
  expect(effectiveStep(3, 0.1, 0.5, 8, 4, 4)).toBeCloseTo(3 * 0.1 * 0.5 * 2, 12);
  // √(6 (1/3 + 1/2)) = √5
  expect(effectiveStep(1, 1, 1, 6, 3, 2)).toBeCloseTo(Math.sqrt(5), 12);
  expect(turnover(0.1, 0.5, 16)).toBeCloseTo(0.8, 12);
  // .5 / (.1 √8)
  expect(columnSteps(0.1, 0.5, 4, 12)).toBeCloseTo(5 / Math.sqrt(8), 12);
  expect(columnSteps(0.1, 0.5, 16, 16)).toBeCloseTo(1 / turnover(0.1, 0.5, 16), 12);
});
