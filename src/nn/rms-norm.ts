import { addScalar, meanDim, mul, pow, rsqrt, type Tensor, toDType } from "../torch/index.js";
import { Module } from "./module.js";
import type { ParameterSource } from "./parameters.js";

/** `w ∘ x / √(mean(x²) + ε)` over the last dimension, the mean in fp32 whatever the dtype of x (as Llama does it). */
export class RMSNorm extends Module {
  /** `[width]` */
  weight: Tensor;
  readonly epsilon: number;

  constructor(source: ParameterSource, width: number, epsilon: number) {
    super();
    this.weight = source.take("weight", [width], "scale");
    this.epsilon = epsilon;
  }

  /** @param x `[T, width]` */
  forward(x: Tensor): Tensor {
    const dtype = x.dtype;
    const exact = dtype === "bfloat16" || dtype === "float16" ? toDType(x, "float32") : x;
    const scale = rsqrt(addScalar(meanDim(pow(exact, 2), [-1], true), this.epsilon));
    const normalised = mul(exact, scale);
    return mul(this.weight, exact === x ? normalised : toDType(normalised, dtype));
  }
}
