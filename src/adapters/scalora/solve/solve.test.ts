import { expect, test } from "vitest";
import { elementAt, zip } from "../../../util/elements.ts";
import { Random } from "../../../util/random.ts";
import { nonNegativeMinimiser } from "./nnls.ts";
import { multiply, type Symmetric, smallestEigenvalue, solveDefinite } from "./symmetric.ts";

/** A random positive definite matrix M Mᵀ + shift·I. */
function definite(random: Random, size: number, shift: number): Symmetric {
  const rows = Array.from({ length: size }, () =>
    Array.from({ length: size }, () => 2 * random.uniform() - 1),
  );
  const dot = (a: number[], b: number[]) => zip(a, b).reduce((sum, [x, y]) => sum + x * y, 0);
  const values = rows.flatMap((row, i) => rows.map((other, j) => dot(row, other) + (i === j ? shift : 0)));
  return { size, values: Float64Array.from(values) };
}

const objective = (matrix: Symmetric, right: Float64Array, x: Float64Array) =>
  multiply(matrix, x).reduce((sum, value, i) => sum + elementAt(x, i) * (value / 2 - elementAt(right, i)), 0);

test("a definite system is solved to rounding", () => {
  const random = new Random(0);
  for (let trial = 0; trial < 50; trial++) {
    const matrix = definite(random, 1 + (trial % 16), 0.1);
    const x = Float64Array.from({ length: matrix.size }, () => random.uniform() - 0.5);
    const solved = solveDefinite(matrix, multiply(matrix, x));
    x.forEach((value, i) => {
      expect(solved?.[i]).toBeCloseTo(value, 11);
    });
  }
  expect(
    solveDefinite({ size: 2, values: new Float64Array([1, 2, 2, 1]) }, new Float64Array(2)),
  ).toBeUndefined();
});

test("the smallest eigenvalue of a matrix with known ones", () => {
  // rotation of diag(3, 0.25)
  const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
  const values = new Float64Array([
    3 * c * c + 0.25 * s * s,
    2.75 * c * s,
    2.75 * c * s,
    3 * s * s + 0.25 * c * c,
  ]);
  expect(smallestEigenvalue({ size: 2, values })).toBeCloseTo(0.25, 13);
});

test("the non-negative minimiser beats every choice of support (brute force over all of them)", () => {
  const random = new Random(1);
  for (let trial = 0; trial < 60; trial++) {
    const size = 1 + (trial % 6);
    const matrix = definite(random, size, 1e-3);
    const right = Float64Array.from({ length: size }, () => random.uniform() - 0.4);
    const ours = nonNegativeMinimiser(matrix, right);
    expect(ours.every((value) => value >= 0)).toBe(true);
    let best = 0; // the empty support
    for (let mask = 1; mask < 2 ** size; mask++) {
      const kept = [...right.keys()].filter((i) => (mask >> i) % 2 === 1);
      const part = solveDefinite(
        {
          size: kept.length,
          values: Float64Array.from(kept.flatMap((i) => kept.map((j) => matrix.values[i * size + j]))),
        },
        Float64Array.from(kept, (i) => elementAt(right, i)),
      );
      if (!part?.every((value) => value >= 0)) continue;
      const x = new Float64Array(size);
      kept.forEach((i, k) => {
        x[i] = elementAt(part, k);
      });
      best = Math.min(best, objective(matrix, right, x));
    }
    expect(objective(matrix, right, ours)).toBeLessThanOrEqual(best + 1e-12 * Math.abs(best));
  }
});
