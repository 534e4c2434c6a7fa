import { fastLinear, loraLinear, Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { FrozenDelta } from "./frozen-delta.ts";
import { Module } from "./module.ts";
import type { Nf4Weight } from "./nf4.ts";
import type { ParameterSource } from "./parameter-source.ts";

/** Takes the place of a linear layer's product: what an adapter method hangs on a layer. */
export interface LinearAdapter {
  /** @param x `[rows, in]`; the result is `[rows, out]` */
  forward(x: Tensor, base: Linear): Tensor;
}

/** `y = x Wᵀ + b`, or what its adapter makes of it. */
export class Linear extends Module {
  /** `[out, in]` */
  weight: Tensor | Nf4Weight;
  /** `[out]` */
  bias: Tensor | undefined;
  adapter: LinearAdapter | undefined;

  constructor(weight: Tensor | Nf4Weight, bias?: Tensor) {
    super();
    this.weight = weight;
    this.bias = bias;
    this.adapter = undefined;
  }

  /** A layer whose parameters `source` names `weight` and, when `withBias`, `bias`. */
  static fromSource(
    source: ParameterSource,
    inFeatures: number,
    outFeatures: number,
    withBias: boolean,
  ): Linear {
    const shape = [outFeatures, inFeatures];
    const weight = source.takeQuantised("weight", shape) ?? source.take("weight", shape, "weight");
    return new Linear(weight, withBias ? source.take("bias", [outFeatures], "bias") : undefined);
  }

  /** @param x `[rows, in]`; the result is `[rows, out]` */
  forward(x: Tensor): Tensor {
    return this.adapter === undefined ? this.forwardBase(x) : this.adapter.forward(x, this);
  }

  /**
   * The layer's own `x Wᵀ + b`, without its adapter.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param bias null leaves it out
   */
  forwardBase(x: Tensor, bias = this.bias ?? null): Tensor {
    const { weight } = this;
    return weight instanceof Tensor ? fastLinear(x, weight, { bias }) : weight.forwardBase(x, bias);
  }

  /**
   * `x (W + scale · A Bᵀ + P Qᵀ)ᵀ + b`, with gradients for x, A and B.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param A `[out, r]`, @param B `[in, r]`
   * @param bias null leaves it out
   * @param frozenDelta P and Q, where there are any
   */
  forwardLowRank(
    x: Tensor,
    A: Tensor,
    B: Tensor,
    scale: number,
    bias = this.bias ?? null,
    frozenDelta?: FrozenDelta,
  ): Tensor {
    const { weight } = this;
    return weight instanceof Tensor
      ? loraLinear(x, weight, A, B, scale, { bias, P: frozenDelta?.P, Q: frozenDelta?.Q })
      : weight.forwardLowRank(x, bias, A, B, scale, frozenDelta);
  }

  /**
   * W `[out, in]` as its products see it, in their dtype: the layer's own tensor, which nobody may write to or free, or the
   * numbers of its codes, a new one of the scope around.
   */
  denseWeight(): Tensor {
    const { weight } = this;
    return weight instanceof Tensor ? weight : weight.dequantise();
  }

  /**
   * The weight itself, to move or to write to.
   * @throws ScaloraError `config` for codes, which can be neither
   */
  unquantisedWeight(): Tensor {
    const { weight } = this;
    if (weight instanceof Tensor) return weight;
    throw new ScaloraError("config", "A quantised weight cannot be trained or merged into", {
      where: "model.quantization",
      found: "nf4, whose sixteen numbers a block cannot take a small change",
      fix: "use model.quantization: none, or adapter.method: qlora",
    });
  }
}
