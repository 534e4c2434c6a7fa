import { fastLinear, loraLinear, type Tensor } from "../torch/index.js";
import { Module } from "./module.js";
import type { ParameterSource } from "./parameters.js";

/** Takes the place of a linear layer's product: what an adapter method hangs on a layer. */
export interface LinearAdapter {
  /** @param x `[rows, in]`; the result is `[rows, out]` */
  forward(x: Tensor, base: Linear): Tensor;
}

/** Frozen factors P `[out, k]` and Q `[in, k]`, whose product counts as a part of a layer's weight. */
export interface FrozenFactors {
  readonly P: Tensor;
  readonly Q: Tensor;
}

/** `y = x Wᵀ + b`, or what its adapter makes of it. */
export class Linear extends Module {
  /** `[out, in]` */
  weight: Tensor;
  /** `[out]` */
  bias: Tensor | undefined;
  adapter: LinearAdapter | undefined;

  constructor(weight: Tensor, bias?: Tensor) {
    super();
    this.weight = weight;
    this.bias = bias;
    this.adapter = undefined;
  }

  /** A layer whose parameters `source` names `weight` and, when `withBias`, `bias`. */
  static from(source: ParameterSource, inFeatures: number, outFeatures: number, withBias: boolean): Linear {
    const weight = source.take("weight", [outFeatures, inFeatures], "weight");
    return new Linear(weight, withBias ? source.take("bias", [outFeatures], "bias") : undefined);
  }

  /** @param x `[rows, in]`; the result is `[rows, out]` */
  forward(x: Tensor): Tensor {
    return this.adapter === undefined ? this.product(x) : this.adapter.forward(x, this);
  }

  /**
   * The layer's own `x Wᵀ + b`, without its adapter.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param bias null leaves it out
   */
  product(x: Tensor, bias = this.bias ?? null): Tensor {
    return fastLinear(x, this.weight, bias);
  }

  /**
   * `x (W + scale · A Bᵀ + P Qᵀ)ᵀ + b`, with gradients for x, A and B.
   * @param x `[rows, in]`; the result is `[rows, out]`
   * @param A `[out, r]`, @param B `[in, r]`
   * @param bias null leaves it out
   * @param frozen P and Q, where there are any
   */
  lowRankProduct(
    x: Tensor,
    A: Tensor,
    B: Tensor,
    scale: number,
    bias = this.bias ?? null,
    frozen?: FrozenFactors,
  ): Tensor {
    return loraLinear(x, this.weight, bias, A, B, scale, frozen?.P, frozen?.Q);
  }

  /** W `[out, in]` as its products see it: the layer's own tensor, which nobody may write to or free. */
  denseWeight(): Tensor {
    return this.weight;
  }
}
