import { layerNorm, type Tensor } from "../torch/index.ts";
import { Module } from "./module.ts";
import type { ParameterSource } from "./parameter-source.ts";

/** `w ∘ (x − mean) / √(var + ε) + b` over the last dimension, the variance without Bessel's correction. */
export class LayerNorm extends Module {
  /** `[width]` */
  weight: Tensor;
  /** `[width]` */
  bias: Tensor;
  readonly epsilon: number;

  constructor(source: ParameterSource, width: number, epsilon: number) {
    super();
    this.weight = source.take("weight", [width], "scale");
    this.bias = source.take("bias", [width], "bias");
    this.epsilon = epsilon;
  }

  /** @param x `[…, width]`; so is the result */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight.shape, { weight: this.weight, bias: this.bias, eps: this.epsilon });
  }
}
