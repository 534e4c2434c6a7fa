import { numberAt } from "./number-at.ts";
import type { Symmetric } from "./symmetric.ts";

/**
 * One layer at an event, as the solvers see it: norms, and Gram matrices of unit-norm columns. With unit columns
 * â_i, b̂_i and G the gradient of the effective weight, h_i = G b̂_i and k_i = Gᵀ â_i are the adapter's gradients divided by
 * s and by the norm of the other factor's column. Each Gram is row-major r × r.
 */
export interface LayerGrams {
  readonly rank: number;
  readonly normsA: Float64Array;
  readonly normsB: Float64Array;
  /** â_i · â_j */
  readonly aa: Float64Array;
  /** b̂_i · b̂_j */
  readonly bb: Float64Array;
  /** k_i · k_j */
  readonly kk: Float64Array;
  /** h_i · h_j */
  readonly hh: Float64Array;
  /** â_i · h_j = â_iᵀ G b̂_j */
  readonly ah: Float64Array;
}

/**
 * Least squares for column scaling (Theorem 3.7) in unit-norm columns: minimise ‖G − Σ v_i q_i‖² over v, where
 * q_i = vec(â_i â_iᵀ G) for the columns of A and vec(G b̂_i b̂_iᵀ) for those of B.
 */
export interface ColumnSystem {
  /** ‖q_i‖ = the right-hand side ⟨q_i/‖q_i‖, G⟩; of length 2r, A's columns first, divided by the largest. */
  readonly b: Float64Array;
  /** Gram of q_i/‖q_i‖, 2r × 2r; a column with b_i = 0 has zeros outside and on the diagonal. */
  readonly C: Symmetric;
}

/** The column system, or undefined when every gradient is zero. */
export function columnSystem(grams: LayerGrams): ColumnSystem | undefined {
  const { rank, aa, bb, kk, hh, ah } = grams;
  const size = 2 * rank;
  const norms = new Float64Array(size);
  for (let i = 0; i < rank; i++) {
    norms[i] = Math.sqrt(numberAt(kk, i * rank + i));
    norms[rank + i] = Math.sqrt(numberAt(hh, i * rank + i));
  }
  const largest = Math.max(...norms);
  if (!(largest > 0)) return undefined;
  const values = new Float64Array(size * size);
  const set = (i: number, j: number, inner: number) => {
    const product = numberAt(norms, i) * numberAt(norms, j);
    values[i * size + j] = values[j * size + i] = product > 0 ? inner / product : 0;
  };
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j < rank; j++) {
      const at = i * rank + j;
      set(i, j, numberAt(aa, at) * numberAt(kk, at));
      set(rank + i, rank + j, numberAt(hh, at) * numberAt(bb, at));
      set(i, rank + j, numberAt(ah, at) ** 2);
    }
  }
  return { b: norms.map((norm) => norm / largest), C: { size, values } };
}
