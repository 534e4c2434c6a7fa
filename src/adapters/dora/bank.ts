import type { Linear, LinearAdapter } from "../../nn/index.js";
import {
  add,
  clampMin,
  copy_,
  div,
  linalgVectorNorm,
  matmul,
  mul,
  mulScalar,
  noGrad,
  scope,
  select,
  sqrt,
  square,
  sumDim,
  type Tensor,
  toDType,
  transpose,
  unsqueeze,
} from "../../torch/index.js";
import { type BankLayer, type BankShape, FactorBank, ownDType, type Stack } from "../core/bank.js";

/** Factors and magnitudes `[L, m]` of L layers of equal shape. */
export class DoraBank extends FactorBank {
  readonly magnitude: Stack;
  /** Squared length of each row of the frozen weights, one tensor `[m]` a layer. */
  private readonly squares: readonly Tensor[];

  constructor(name: string, shape: BankShape, layers: readonly BankLayer[]) {
    super(name, shape, layers, { magnitude: [shape.m] });
    this.magnitude = this.stacks.magnitude;
    this.squares = layers.map(({ linear }) =>
      noGrad(() => scope(() => sumDim(square(wideWeight(linear)), [1]))).keep(),
    );
  }

  /** Magnitudes as they start: the lengths of the rows as they are. */
  startMagnitudes(): void {
    noGrad(() =>
      scope(() => {
        this.layers.forEach((_, index) => {
          copy_(select(this.magnitude.value, 0, index), this.rowNorms(index));
        });
      }),
    );
  }

  /**
   * `y = (magnitude / ‖W + sABᵀ‖) ∘ (x Wᵀ + s (x B) Aᵀ) + b`, whose gradient takes the lengths of the rows for constants
   * (section 4.3 of the paper).
   */
  override adapterOf(index: number): LinearAdapter {
    const { A, B } = this.leaves[index];
    const magnitude = this.magnitude.leaves[index];
    return {
      forward: (x, base) => {
        const direction = base.lowRankProduct(x, A, B, this.shape.scale, null);
        const factor = toDType(div(magnitude, this.rowNorms(index)), x.dtype);
        const y = mul(direction, factor);
        return base.bias ? add(y, base.bias) : y;
      },
    };
  }

  /**
   * ‖W + sABᵀ‖ by rows, `[m]`, without forming the matrix: ‖w‖² + 2s (W B)∘A + s² (A BᵀB)∘A, summed over r.
   */
  rowNorms(index: number): Tensor {
    return noGrad(() =>
      scope(() => {
        const { scale } = this.shape;
        const [A, B] = [this.A, this.B].map((stack) => select(stack, 0, index));
        const weight = this.layers[index].linear.denseWeight();
        const cross = matmul(weight, toDType(B, weight.dtype));
        const own = matmul(A, matmul(transpose(B, 0, 1), B));
        const change = add(mulScalar(toDType(cross, A.dtype), 2 * scale), own, scale ** 2);
        return sqrt(clampMin(add(this.squares[index], sumDim(mul(change, A), [1])), 0));
      }),
    );
  }

  override effective(index: number, base: Tensor): Tensor {
    const direction = super.effective(index, base);
    const norms = linalgVectorNorm(direction, 2, [1]);
    const magnitude = toDType(select(this.magnitude.value, 0, index), base.dtype);
    return mul(direction, unsqueeze(div(magnitude, norms), 1));
  }

  override dispose(): void {
    super.dispose();
    for (const tensor of this.squares) tensor.dispose();
  }
}

function wideWeight(linear: Linear): Tensor {
  const weight = linear.denseWeight();
  return toDType(weight, ownDType(weight));
}
