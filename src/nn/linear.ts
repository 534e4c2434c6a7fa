import { fastLinear, loraLinear, Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { FrozenDelta } from "./frozen-delta.ts";
import { Module } from "./module.ts";
import type { ParameterSource } from "./parameter-source.ts";
import type { QuantisedWeight } from "./quantised-weight.ts";

/** The adapter that a method installs on a linear layer; it replaces the layer's forward pass. */
export interface LinearAdapter {
  /**
   * Computes the layer with the adapter.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param base the layer, whose own weight and bias the adapter uses
   */
  forward(x: Tensor, base: Linear): Tensor;
}

/** A linear layer `y = x Wᵀ + b`, or the forward pass of the adapter installed on it. */
export class Linear extends Module {
  /** `[out, in]` */
  weight: Tensor | QuantisedWeight;
  /** `[out]` */
  bias: Tensor | undefined;
  adapter: LinearAdapter | undefined;

  constructor(weight: Tensor | QuantisedWeight, bias?: Tensor) {
    super();
    this.weight = weight;
    this.bias = bias;
    this.adapter = undefined;
  }

  /** A layer with the parameters `weight` and, when `withBias`, `bias` of `source`. */
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
   * W `[out, in]` in the dtype of the products: the layer's own tensor, which the caller may neither change nor free, or, of a
   * quantised weight, its dequantised values in a new tensor of the present scope.
   */
  denseWeight(): Tensor {
    const { weight } = this;
    return weight instanceof Tensor ? weight : weight.dequantise();
  }

  /**
   * The weight tensor itself, to be moved or changed.
   * @throws ScaloraError `config` for a quantised weight, which allows neither
   */
  unquantisedWeight(): Tensor {
    const { weight } = this;
    if (weight instanceof Tensor) return weight;
    throw new ScaloraError("config", "A quantised weight cannot be trained or merged into", {
      where: "model.quantization",
      found: `${weight.format}: its codes cannot store small updates`,
      fix: "use model.quantization: none, or adapter.method: qlora",
    });
  }
}
