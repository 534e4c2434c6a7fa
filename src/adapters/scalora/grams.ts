import {
  cat,
  div,
  divScalar,
  eqScalar,
  linalgVectorNorm,
  maskedFill,
  matmul,
  noGrad,
  reshape,
  scope,
  type Tensor,
  toDType,
  transpose,
} from "../../torch/index.ts";
import { mapTuple } from "../../util/elements.ts";
import type { LayerGrams } from "./solve/column-system.ts";
import { numberAt } from "./solve/number-at.ts";

/** The stacked factors of a bank with the gradients that backward left: A, gradA `[L, m, r]`, B, gradB `[L, n, r]`. */
export interface StackedFactors {
  readonly A: Tensor;
  readonly B: Tensor;
  readonly gradA: Tensor;
  readonly gradB: Tensor;
}

/** Grams of a layer, and k_i · b̂_j, which equals â_i · h_j when the gradients are those of this adapter. */
export interface CheckedGrams extends LayerGrams {
  readonly kb: Float64Array;
}

/**
 * The Gram matrices of every layer of a bank, in float64 from unit-norm columns (the system is quartic in small numbers),
 * with one copy to the host. O(L (m + n) r²).
 * @param scale s; gradients are those of `W + s·A·Bᵀ`, so gradA = s·G·B and gradB = s·Gᵀ·A
 */
export function layerGrams(factors: StackedFactors, scale: number): CheckedGrams[] {
  const [layers, , rank] = factors.A.sizes(3);
  const packed = noGrad(() =>
    scope(() => {
      const [A, B, gradA, gradB] = mapTuple([factors.A, factors.B, factors.gradA, factors.gradB], (t) =>
        toDType(t, "float64"),
      );
      const normsA = columnNorms(A);
      const normsB = columnNorms(B);
      const [a, b] = [divide(A, normsA), divide(B, normsB)];
      const h = divScalar(divide(gradA, normsB), scale);
      const k = divScalar(divide(gradB, normsA), scale);
      const grams = [
        product(a, a),
        product(b, b),
        product(k, k),
        product(h, h),
        product(a, h),
        product(k, b),
      ];
      return cat(
        [normsA, normsB, ...grams].map((part) => reshape(part, [layers, -1])),
        { dim: 1 },
      ).toFloats();
    }),
  );
  const width = packed.length / layers;
  return Array.from({ length: layers }, (_, layer) =>
    unpack(packed.subarray(layer * width, (layer + 1) * width), rank),
  );
}

function columnNorms(stack: Tensor): Tensor {
  return linalgVectorNorm(stack, { dim: [1], keepdim: true });
}

/** Columns over their norms; a column whose norm is zero stays zero. */
function divide(stack: Tensor, norms: Tensor): Tensor {
  return div(stack, maskedFill(norms, eqScalar(norms, 0), 1));
}

function product(left: Tensor, right: Tensor): Tensor {
  return matmul(transpose(left, 1, 2), right);
}

function unpack(row: Float64Array, rank: number): CheckedGrams {
  let at = 0;
  const take = (count: number) => {
    at += count;
    return row.slice(at - count, at);
  };
  const [normsA, normsB] = [take(rank), take(rank)];
  const gram = () => take(rank * rank);
  return { rank, normsA, normsB, aa: gram(), bb: gram(), kk: gram(), hh: gram(), ah: gram(), kb: gram() };
}

/**
 * How far `AᵀgradA` is from `gradBᵀB`, relative to ‖A‖‖gradA‖ + ‖B‖‖gradB‖. Both are s·AᵀGB, so a difference beyond rounding
 * means that the gradients are not those of this adapter.
 */
export function gradientMismatch({ rank, normsA, normsB, kk, hh, ah, kb }: CheckedGrams): number {
  const mismatch = (at: number) => numberAt(ah, at) - numberAt(kb, at);
  let [difference, gradA, gradB] = [0, 0, 0];
  for (let i = 0; i < rank; i++) {
    gradA += numberAt(normsB, i) ** 2 * numberAt(hh, i * rank + i);
    gradB += numberAt(normsA, i) ** 2 * numberAt(kk, i * rank + i);
    for (let j = 0; j < rank; j++)
      difference += (numberAt(normsA, i) * numberAt(normsB, j) * mismatch(i * rank + j)) ** 2;
  }
  const bound = Math.hypot(...normsA) * Math.sqrt(gradA) + Math.hypot(...normsB) * Math.sqrt(gradB);
  return difference === 0 ? 0 : Math.sqrt(difference) / bound;
}
