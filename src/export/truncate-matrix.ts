import { randomisedRangeFinder } from "../adapters/core/truncated-svd.ts";
import {
  contiguous,
  flip,
  fromData,
  linalgEigh,
  linalgQr,
  linalgSvd,
  linalgVectorNorm,
  matmul,
  mul,
  narrow,
  scope,
  sub,
  type Tensor,
  toDType,
  transpose,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";

/** The rank, or the fraction of the energy, to keep of each layer's change. */
export interface Truncation {
  readonly rank?: number | undefined;
  readonly energy?: number | undefined;
}

/** A matrix truncated to two factors, with `√σ` in each. */
export interface TruncatedMatrix {
  /** `[m, rank]`, float32. */
  readonly up: Tensor;
  /** `[rank, n]`, float32. */
  readonly down: Tensor;
  readonly rank: number;
  /** Squared Frobenius norms. */
  readonly kept: number;
  readonly whole: number;
}

/** Leading singular triplets, largest first: `left` `[m, k]`, `right` `[n, k]`; at least as many as asked for. */
interface Leading {
  readonly left: Tensor;
  readonly values: Float64Array;
  readonly right: Tensor;
}

/** Energy below which singular values are negligible, relative to the largest: below 1e-7 of it, float32 loses them. */
const negligible = 1e-14;
/** Where the subspace would be more than this share of the matrix, a decomposition of it all takes less time. */
const maxShare = 1 / 8;
/** Columns of the subspace beyond twice the rank. */
const spare = 8;
/** Rounds of the iteration; a spectrum that is too flat for them is decomposed in full. */
const maxRounds = 12;
/** Largest ‖D·V − U·Σ‖_F, relative to ‖Σ‖_F; what is kept is then short of the best by about its square. */
const tolerance = 1e-5;
/** Rank that is tried first where energy is asked for; doubled until it holds that much. */
const firstRank = 8;

/**
 * The best approximation of a matrix in float64 by a rank, or by the least rank that keeps a fraction of its energy. The
 * leading singular triplets come from a subspace iteration whose residual is checked, O(m n rank), and where that does not
 * converge or would be no faster, from all eigenvectors of the smaller Gram matrix.
 * @returns undefined for a matrix of 0
 */
export function truncateMatrix(matrix: Tensor, share: Truncation): TruncatedMatrix | undefined {
  const whole = linalgVectorNorm(matrix).item() ** 2;
  if (whole === 0) return undefined;
  const isTall = elementAt(matrix.shape, 0) > elementAt(matrix.shape, 1);
  const wide = isTall ? transpose(matrix, 0, 1) : matrix;
  const leading = iterated(wide, whole, share) ?? decomposed(wide);
  const energies = [...leading.values].map((value) => value * value);
  const rank = rankFor(energies, whole, share);
  const roots = fromData(
    leading.values.subarray(0, rank).map((value) => Math.sqrt(value)),
    [rank],
    { device: matrix.device },
  );
  const factor = (vectors: Tensor) => mul(narrow(vectors, 1, 0, rank), roots);
  const [left, right] = [factor(leading.left), factor(leading.right)];
  const [up, down] = isTall ? [right, left] : [left, right];
  const single = (x: Tensor) => contiguous(toDType(x, "float32"));
  const kept = energies.slice(0, rank).reduce((total, value) => total + value, 0);
  return { up: single(up), down: single(transpose(down, 0, 1)), rank, kept, whole };
}

/** The requested rank, limited by the rank of the matrix, or the smallest rank that keeps the energy. */
function rankFor(energies: readonly number[], whole: number, { rank, energy = 1 }: Truncation): number {
  const significant = energies.filter((value) => value > elementAt(energies, 0) * negligible).length;
  if (rank !== undefined) return Math.min(rank, significant);
  let kept = 0;
  for (const [index, value] of energies.entries()) {
    kept += value;
    if (kept >= energy * whole) return Math.min(index + 1, significant);
  }
  return significant;
}

/** By subspace iteration. @returns undefined where it is not worth while, or does not converge */
function iterated(matrix: Tensor, whole: number, share: Truncation): Leading | undefined {
  if (share.rank !== undefined) return subspaceTriplets(matrix, share.rank);
  for (let rank = firstRank; ; rank *= 2) {
    const found = subspaceTriplets(matrix, rank);
    const kept = found?.values.reduce((total, value) => total + value * value, 0) ?? 0;
    if (found === undefined || kept >= (share.energy ?? 1) * whole) return found;
  }
}

/**
 * The leading triplets by subspace iteration from a fixed seed.
 * @param matrix no taller than wide
 * @returns undefined where a full decomposition is the faster way, or the iteration does not converge
 */
function subspaceTriplets(matrix: Tensor, rank: number): Leading | undefined {
  const columns = 2 * rank + spare;
  if (columns > elementAt(matrix.shape, 0) * maxShare) return undefined;
  let basis = randomisedRangeFinder(matrix, columns, 1);
  let before = Number.POSITIVE_INFINITY;
  for (let round = 1; round <= maxRounds; round++) {
    const { residual, image, ...leading } = scope(() => project(matrix, basis, rank));
    if (residual <= tolerance) return leading;
    // The residual falls by about the same factor in each round.
    const expected = residual * (residual / before) ** (maxRounds - round);
    if (round > 2 && expected > tolerance) return undefined;
    before = residual;
    basis = scope(() => linalgQr(image)[0]);
  }
  return undefined;
}

/**
 * The triplets of the matrix within the span of a basis U: Dᵀ·U = V·Σ holds as they are made, so that ‖D·V − U·Σ‖_F / ‖Σ‖_F over
 * the first of them, the residual, says how far they are from triplets of D.
 */
function project(matrix: Tensor, basis: Tensor, rank: number) {
  const [right, values, innerT] = linalgSvd(matmul(transpose(matrix, 0, 1), basis), { fullMatrices: false });
  const image = matmul(matrix, right);
  const left = matmul(basis, transpose(innerT, 0, 1));
  const first = (vectors: Tensor) => narrow(vectors, 1, 0, rank);
  const leading = narrow(values, 0, 0, rank);
  const difference = sub(first(image), mul(first(left), leading));
  const residual = linalgVectorNorm(difference).item() / linalgVectorNorm(leading).item();
  return { left: first(left), values: leading.toFloats(), right: first(right), image, residual };
}

/**
 * All triplets from the eigenvectors of the Gram matrix of the rows: a quarter of the time of a singular value decomposition.
 * Right vectors are the projection on these eigenvectors.
 * @param matrix no taller than wide
 */
function decomposed(matrix: Tensor): Leading {
  const transposed = transpose(matrix, 0, 1);
  const [ascending, vectors] = linalgEigh(matmul(matrix, transposed));
  const values = ascending
    .toFloats()
    .reverse()
    .map((value) => Math.sqrt(Math.max(0, value)));
  const left = flip(vectors, [1]);
  const inverse = fromData(
    values.map((value) => (value > 0 ? 1 / value : 0)),
    [values.length],
    { device: matrix.device },
  );
  return { left, values, right: mul(matmul(transposed, left), inverse) };
}
