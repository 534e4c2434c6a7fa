import { expect, test } from "vitest";
import { refusal } from "../../../testing/refusal.ts";
import { elementAt, zip } from "../../../util/elements.ts";
import { Random } from "../../../util/random.ts";
import { nonNegativeMinimiser } from "./nnls.ts";
import { numberAt } from "./number-at.ts";
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

test("the smallest eigenvalue of rotated diagonal matrices of every size", () => {
  const random = new Random(2);
  for (let trial = 0; trial < 40; trial++) {
    const size = 1 + (trial % 8);
    const diagonal = Float64Array.from({ length: size }, () => 4 * random.uniform() - 1);
    const values = new Float64Array(size * size);
    diagonal.forEach((value, i) => {
      values[i * size + i] = value;
    });
    for (let turn = 0; turn < 3 * size; turn++) rotateBoth(values, size, random);
    expect(smallestEigenvalue({ size, values })).toBeCloseTo(Math.min(...diagonal), 12);
  }
});

test.each([
  // equal diagonal entries: the rotation is by 45 degrees
  [[2, 1, 1, 2], 1],
  [[2, -1, -1, 2], 1],
  [[0, 1, 1, 0], -1],
  [[1, 0, 0, 5], 1],
  [[4, 1, 0, 1, 4, 1, 0, 1, 4], 4 - Math.SQRT2],
])("the smallest eigenvalue of %j is %d", (values, smallest) => {
  const matrix = { size: Math.sqrt(values.length), values: Float64Array.from(values) };
  expect(smallestEigenvalue(matrix)).toBeCloseTo(smallest, 13);
  expect([...matrix.values]).toEqual(values);
});

/** Rotates rows and columns of a random pair by a random angle: eigenvalues stay. */
function rotateBoth(values: Float64Array, size: number, random: Random): void {
  const [p, q] = [Math.floor(size * random.uniform()), Math.floor(size * random.uniform())];
  const angle = 6 * random.uniform();
  if (p === q) return;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const turn = (first: (k: number) => number, second: (k: number) => number) => {
    for (let k = 0; k < size; k++) {
      const [a, b] = [elementAt(values, first(k)), elementAt(values, second(k))];
      values[first(k)] = c * a - s * b;
      values[second(k)] = s * a + c * b;
    }
  };
  turn(
    (k) => k * size + p,
    (k) => k * size + q,
  );
  turn(
    (k) => p * size + k,
    (k) => q * size + k,
  );
}

test("a number that is not there, and a system that is not definite, are bugs", () => {
  expect(() => numberAt(Float64Array.of(1), 1)).toThrow(
    refusal("internal", { message: "no number 1 among 1" }),
  );
  const indefinite = { size: 2, values: Float64Array.of(1, 2, 2, 1) };
  expect(() => nonNegativeMinimiser(indefinite, Float64Array.of(1, 1))).toThrow(
    refusal("internal", { message: "not positive definite" }),
  );
});

// Problems on which exchanging all wrong indices at once goes round in circles; found by a random search.
test.each([
  [
    [10.125, 7.5, -9, 7.5, 6.375, -6.25, -9, -6.25, 8.625],
    [1.5, 0.5, -1.5],
  ],
  [
    [
      23.625, -10.25, -6.25, 2.5, 3.25, -16.75, -10.25, 17.125, -15.25, 15.75, 9.75, 22.5, -6.25, -15.25,
      41.625, -34.75, -29.5, -17, 2.5, 15.75, -34.75, 43.125, 31.25, 13, 3.25, 9.75, -29.5, 31.25, 26.125,
      7.75, -16.75, 22.5, -17, 13, 7.75, 32.875,
    ],
    [2.5, -1, 0.5, 0, -2.5, 1.5],
  ],
  [
    [
      33.375, -10.25, -28.75, 8.5, 12.25, -19, -10.25, 25.375, -5, -20.5, 7.5, 7.75, -28.75, -5, 53.875, 1.5,
      -8, 15.75, 8.5, -20.5, 1.5, 29.625, -12.75, 5.25, 12.25, 7.5, -8, -12.75, 19.125, -9, -19, 7.75, 15.75,
      5.25, -9, 24.625,
    ],
    [1.5, 3, 3, 3, 0, 0],
  ],
])("where full exchanges cycle the minimiser is found all the same (%#)", (values, right) => {
  const matrix = { size: right.length, values: Float64Array.from(values) };
  const x = nonNegativeMinimiser(matrix, Float64Array.from(right));
  // Karush, Kuhn and Tucker: x ≥ 0, gradient ≥ 0, and one of the two 0 at each index.
  multiply(matrix, x).forEach((product, i) => {
    const gradient = product - elementAt(right, i);
    expect(elementAt(x, i)).toBeGreaterThanOrEqual(0);
    expect(gradient).toBeGreaterThan(-1e-12);
    expect(Math.min(elementAt(x, i), gradient)).toBeLessThan(1e-12);
  });
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
