import type { FrozenDelta, LinearAdapter } from "../../nn/index.ts";
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
  sum,
  type Tensor,
  toDType,
  transpose,
  unsqueeze,
  zeros,
} from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import {
  adapterDType,
  type BankShape,
  LowRankBank,
  type NamedLinear,
  type StackedParameter,
} from "../core/bank.ts";

/** Factors and magnitudes `[L, m]` of L layers of equal shape. */
export class DoraBank extends LowRankBank {
  readonly magnitude: StackedParameter;
  /** Squared length of each row of the weights without the adapter, one tensor `[m]` a layer. */
  private readonly squares: readonly Tensor[];

  constructor(name: string, shape: BankShape, layers: readonly NamedLinear[]) {
    super(name, shape, layers, { magnitude: [shape.m] });
    this.magnitude = this.stack("magnitude");
    this.squares = layers.map(({ linear: { weight } }) =>
      zeros([shape.m], { dtype: adapterDType(weight), device: weight.device }).keep(),
    );
    this.updateBaseRowNorms();
  }

  /** Takes the lengths of the rows of the weights as they are now: of a base that training changes, after each change. */
  updateBaseRowNorms(): void {
    noGrad(() => {
      this.layers.forEach(({ linear }, index) => {
        scope(() => {
          const weight = linear.denseWeight();
          const own = sum(square(toDType(weight, adapterDType(weight))), { dim: [1] });
          const frozen = this.frozenDelta?.(index);
          copy_(elementAt(this.squares, index), frozen ? add(own, growth(weight, frozen.P, frozen.Q)) : own);
        });
      });
    });
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
   * `y = (magnitude / ‖W + sABᵀ‖) ∘ (x Wᵀ + s (x B) Aᵀ) + b`, where the gradient treats the row norms as constants
   * (section 4.3 of the paper).
   */
  override linearAdapter(index: number): LinearAdapter {
    const { A, B } = elementAt(this.leaves, index);
    const magnitude = this.leaf("magnitude", index);
    return {
      forward: (x, base) => {
        const direction = base.forwardLowRank(x, A, B, this.shape.scale, null, this.frozenDelta?.(index));
        const factor = toDType(div(magnitude, this.rowNorms(index)), x.dtype);
        const y = mul(direction, factor);
        return base.bias ? add(y, base.bias) : y;
      },
    };
  }

  /** Row norms ‖W + sABᵀ‖, `[m]`, without forming the matrix; includes the frozen delta P·Qᵀ, if there is one. */
  rowNorms(index: number): Tensor {
    return noGrad(() =>
      scope(() => {
        const [A, B] = mapTuple([this.A, this.B], (stack) => select(stack, 0, index));
        const left = mulScalar(A, this.shape.scale);
        const change = growth(
          elementAt(this.layers, index).linear.denseWeight(),
          left,
          B,
          this.frozenDelta?.(index),
        );
        return sqrt(clampMin(add(elementAt(this.squares, index), change), 0));
      }),
    );
  }

  /** diag(magnitude / ‖W + sABᵀ‖) · G: the gradient of W + sABᵀ. */
  override gradientOfFactors(index: number, gradient: Tensor): Tensor {
    const factor = div(select(this.magnitude.value, 0, index), this.rowNorms(index));
    return mul(gradient, unsqueeze(toDType(factor, gradient.dtype), 1));
  }

  override effectiveWeight(index: number, base: Tensor): Tensor {
    const direction = super.effectiveWeight(index, base);
    const norms = linalgVectorNorm(direction, { dim: [1] });
    const magnitude = toDType(select(this.magnitude.value, 0, index), base.dtype);
    return mul(direction, unsqueeze(div(magnitude, norms), 1));
  }

  override dispose(): void {
    super.dispose();
    for (const tensor of this.squares) tensor.dispose();
  }
}

/**
 * How much the squared row norms grow when `left · rightᵀ` is added to a weight and its frozen delta:
 * 2 (W right)∘left + (left rightᵀ right)∘left, summed over the columns.
 */
function growth(weight: Tensor, left: Tensor, right: Tensor, frozen?: FrozenDelta): Tensor {
  const product = toDType(matmul(weight, toDType(right, weight.dtype)), left.dtype);
  const merged = frozen && matmul(frozen.P, matmul(transpose(frozen.Q, 0, 1), right));
  const cross = merged ? add(product, merged) : product;
  const own = matmul(left, matmul(transpose(right, 0, 1), right));
  return sum(mul(add(own, cross, { alpha: 2 }), left), { dim: [1] });
}
