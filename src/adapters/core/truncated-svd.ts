import {
  Generator,
  linalgQr,
  linalgSvd,
  matmul,
  narrow,
  randn,
  scope,
  type Tensor,
  toDType,
  transpose,
} from "../../torch/index.ts";

/** Leading singular triplets of a matrix, largest first. */
export interface Triplets {
  /** `[m, k]` */
  readonly left: Tensor;
  /** `[k]` */
  readonly values: Tensor;
  /** `[n, k]` */
  readonly right: Tensor;
}

/** Up to this side a full decomposition takes about a second. */
const smallSide = 512;
/** Oversampling columns and iterations of the subspace iteration (Halko et al., arXiv 0909.4061). */
const [spare, rounds] = [10, 8];

/**
 * The k leading singular triplets, in float64: exact for small matrices, of large ones by randomised subspace iteration,
 * O(m n k), from a fixed seed.
 */
export function truncatedSvd(matrix: Tensor, k: number): Triplets {
  const [m, n] = matrix.sizes(2);
  const wide = toDType(matrix, "float64");
  const [left, values, rightT] =
    Math.min(m, n) <= smallSide ? linalgSvd(wide, { fullMatrices: false }) : iterated(wide, k);
  return {
    left: narrow(left, 1, 0, k),
    values: narrow(values, 0, 0, k),
    right: transpose(narrow(rightT, 0, 0, k), 0, 1),
  };
}

function iterated(matrix: Tensor, k: number): [left: Tensor, values: Tensor, right: Tensor] {
  const basis = randomisedRangeFinder(matrix, 2 * k + spare, rounds);
  const [inner, values, rightT] = linalgSvd(matmul(transpose(basis, 0, 1), matrix), { fullMatrices: false });
  return [matmul(basis, inner), values, rightT];
}

/**
 * An orthonormal basis `[m, columns]` of a subspace that holds the leading left directions of a matrix, by a randomised range
 * finder and subspace iteration, from a fixed seed. O(m n columns rounds).
 * @param columns of the subspace; the last few directions are inaccurate
 */
export function randomisedRangeFinder(matrix: Tensor, columns: number, rounds: number): Tensor {
  const transposed = transpose(matrix, 0, 1);
  using generator = new Generator(0, matrix.device);
  const [, n] = matrix.sizes(2);
  const width = Math.min(...matrix.shape, columns);
  const start = randn([n, width], { generator, dtype: matrix.dtype, device: matrix.device });
  let [basis] = linalgQr(matmul(matrix, start));
  for (let round = 0; round < rounds; round++)
    basis = scope(() => linalgQr(matmul(matrix, linalgQr(matmul(transposed, basis))[0]))[0]);
  return basis;
}
