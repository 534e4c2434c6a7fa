import { numberAt } from "./number-at.ts";

/**
 * Small dense symmetric systems in float64. A matrix of size n is a row-major Float64Array of n² numbers; here n is at
 * most twice the rank of an adapter, so plain loops are fast enough for hundreds of layers.
 */
export interface Symmetric {
  readonly size: number;
  readonly values: Float64Array;
}

/** The rows and columns in `kept`. */
export function submatrix({ size, values }: Symmetric, kept: readonly number[]): Symmetric {
  const result = new Float64Array(kept.length ** 2);
  kept.forEach((row, i) => {
    kept.forEach((column, j) => {
      result[i * kept.length + j] = numberAt(values, row * size + column);
    });
  });
  return { size: kept.length, values: result };
}

/** The matrix with `shift` added to its diagonal. */
export function shifted({ size, values }: Symmetric, shift: number): Symmetric {
  return { size, values: values.map((value, at) => (at % (size + 1) === 0 ? value + shift : value)) };
}

export function multiply({ size, values }: Symmetric, x: Float64Array): Float64Array {
  const result = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let j = 0; j < size; j++) sum += numberAt(values, i * size + j) * numberAt(x, j);
    result[i] = sum;
  }
  return result;
}

/**
 * Solves `matrix · x = right` for a symmetric positive definite matrix by Cholesky, with one step of iterative
 * refinement; undefined when the matrix is not positive definite in float64.
 */
export function solveDefinite(matrix: Symmetric, right: Float64Array): Float64Array | undefined {
  const factor = cholesky(matrix);
  if (!factor) return undefined;
  const x = substitute(factor, matrix.size, right);
  const product = multiply(matrix, x);
  const correction = substitute(
    factor,
    matrix.size,
    right.map((value, i) => value - numberAt(product, i)),
  );
  return x.map((value, i) => value + numberAt(correction, i));
}

/** The lower triangular L with L Lᵀ = matrix. */
function cholesky({ size, values }: Symmetric): Float64Array | undefined {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = numberAt(values, i * size + j);
      for (let k = 0; k < j; k++) sum -= numberAt(factor, i * size + k) * numberAt(factor, j * size + k);
      if (i === j) {
        if (!(sum > 0)) return undefined;
        factor[i * size + i] = Math.sqrt(sum);
      } else {
        factor[i * size + j] = sum / numberAt(factor, j * size + j);
      }
    }
  }
  return factor;
}

/** Solves L Lᵀ x = right. */
function substitute(factor: Float64Array, size: number, right: Float64Array): Float64Array {
  const x = right.slice();
  for (let i = 0; i < size; i++) {
    let rest = numberAt(x, i);
    for (let k = 0; k < i; k++) rest -= numberAt(factor, i * size + k) * numberAt(x, k);
    x[i] = rest / numberAt(factor, i * size + i);
  }
  for (let i = size - 1; i >= 0; i--) {
    let rest = numberAt(x, i);
    for (let k = i + 1; k < size; k++) rest -= numberAt(factor, k * size + i) * numberAt(x, k);
    x[i] = rest / numberAt(factor, i * size + i);
  }
  return x;
}

/** The smallest eigenvalue, by cyclic Jacobi rotations. */
export function smallestEigenvalue({ size, values }: Symmetric): number {
  const a = values.slice();
  for (let sweep = 0; sweep < 50 && offDiagonal(a, size) > 1e-30; sweep++) {
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, size, p, q);
  }
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < size; i++) smallest = Math.min(smallest, numberAt(a, i * size + i));
  return smallest;
}

function offDiagonal(a: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) sum += numberAt(a, i * size + j) ** 2;
  return sum;
}

/** One Jacobi rotation that makes a[p][q] zero. */
function rotate(a: Float64Array, size: number, p: number, q: number): void {
  const apq = numberAt(a, p * size + q);
  if (apq === 0) return;
  const theta = (numberAt(a, q * size + q) - numberAt(a, p * size + p)) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const akp = numberAt(a, k * size + p);
    const akq = numberAt(a, k * size + q);
    a[k * size + p] = c * akp - s * akq;
    a[k * size + q] = s * akp + c * akq;
  }
  for (let k = 0; k < size; k++) {
    const apk = numberAt(a, p * size + k);
    const aqk = numberAt(a, q * size + k);
    a[p * size + k] = c * apk - s * aqk;
    a[q * size + k] = s * apk + c * aqk;
  }
}
