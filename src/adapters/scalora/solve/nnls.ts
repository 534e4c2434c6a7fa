import { internalError } from "../../../util/errors.ts";
import { numberAt } from "./number-at.ts";
import { multiply, type Symmetric, solveDefinite, submatrix } from "./symmetric.ts";

/** Full exchanges that may fail to improve before one index at a time is exchanged, which always ends. */
const patience = 3;
const zero = 1e-14;

/**
 * The unique x ≥ 0 that minimises ½ xᵀCx − rightᵀx for a symmetric positive definite C, by block principal pivoting
 * (Júdice and Pires 1994): indices with a negative x leave the support, those with a negative gradient enter it.
 */
export function nonNegativeMinimiser(matrix: Symmetric, right: Float64Array): Float64Array {
  const { size } = matrix;
  const scale = Math.max(...right.map(Math.abs), Number.MIN_VALUE);
  let support = [...right.keys()];
  let fewest = Number.POSITIVE_INFINITY;
  let triesLeft = patience;
  for (let iteration = 0; iteration < 100 * size; iteration++) {
    const x = solveOn(matrix, right, support);
    const product = multiply(matrix, x);
    const inSupport = new Set(support);
    const wrong = [...right.keys()].filter((i) =>
      inSupport.has(i)
        ? numberAt(x, i) < -zero * scale
        : numberAt(product, i) - numberAt(right, i) < -zero * scale,
    );
    if (wrong.length === 0) return x.map((value) => Math.max(value, 0));
    if (wrong.length < fewest) [fewest, triesLeft] = [wrong.length, patience];
    else triesLeft--;
    for (const i of triesLeft >= 0 ? wrong : wrong.slice(-1)) {
      if (!inSupport.delete(i)) inSupport.add(i);
    }
    support = [...inSupport].sort((a, b) => a - b);
  }
  throw internalError("the non-negative least-squares solver did not end");
}

/** The minimiser that is zero outside `support`. */
function solveOn(matrix: Symmetric, right: Float64Array, support: readonly number[]): Float64Array {
  const x = new Float64Array(matrix.size);
  const part = solveDefinite(
    submatrix(matrix, support),
    Float64Array.from(support, (i) => numberAt(right, i)),
  );
  if (!part) throw internalError("the system of a scaling event is not positive definite");
  support.forEach((i, k) => {
    x[i] = numberAt(part, k);
  });
  return x;
}
