import {
  divScalar,
  linalgPinv,
  linalgVectorNorm,
  matmul,
  mul,
  noGrad,
  scope,
  sub,
  sum,
  type Tensor,
  toDType,
} from "../torch/index.ts";

/** Singular values of a factor below this share of its largest count as zero. */
const pseudoInverseCut = 1e-6;

/** What is left outside the factors counts as rounding below this share of a gradient's norm. */
const smallestRest = 1e-4;

/** Two factors, A `[m, r]` and B `[n, r]`. */
interface Factors {
  readonly A: Tensor;
  readonly B: Tensor;
}

/**
 * φ: the cosine of two gradients `[m, n]` outside the columns of the factors, ⟨G⊥₁, G⊥₂⟩/(‖G⊥₁‖·‖G⊥₂‖) with
 * G⊥ = (I − P_A)·G·(I − P_B). Of two independent halves of a batch it estimates the share of ‖G⊥‖² that is signal: noise of the
 * halves is orthogonal on average.
 * @returns NaN when one of them is nothing but rounding there
 */
export function signalShare(first: Tensor, second: Tensor, { A, B }: Factors): number {
  return noGrad(() =>
    scope(() => {
      const [inverseA, inverseB] = [pseudoInverse(A), pseudoInverse(B)];
      const unitOutside = (gradient: Tensor) => {
        const G = toDType(gradient, A.dtype);
        const rows = sub(G, matmul(A, matmul(inverseA, G)));
        const rest = sub(rows, matmul(matmul(rows, B), inverseB));
        const norm = linalgVectorNorm(rest).item();
        return divScalar(rest, norm > smallestRest * linalgVectorNorm(G).item() ? norm : Number.NaN);
      };
      return sum(mul(unitOutside(first), unitOutside(second)), { dtype: "float64" }).item();
    }),
  );
}

/** `[r, rows]`; zero of a factor that is zero. */
function pseudoInverse(factor: Tensor): Tensor {
  return toDType(linalgPinv(toDType(factor, "float64"), pseudoInverseCut), factor.dtype);
}
