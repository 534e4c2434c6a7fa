import { addScalar, fusedRmsNorm, meanDim, mul, pow, rsqrt, type Tensor, toDType } from "../torch/index.ts";
import { runsFused } from "./fused.ts";
import { Module } from "./module.ts";
import type { ParameterSource } from "./parameters.ts";

export interface RMSNormOptions {
  epsilon: number;
  /** Multiply by 1 + w in place of w, before rounding to the dtype of x in place of after (as Gemma does it). */
  fromOne?: boolean;
}

/** `w ∘ x / √(mean(x²) + ε)` over the last dimension, the mean in fp32 whatever the dtype of x (as Llama does it). */
export class RMSNorm extends Module {
  /** `[width]` */
  weight: Tensor;
  private readonly epsilon: number;
  private readonly fromOne: boolean;

  constructor(source: ParameterSource, width: number, { epsilon, fromOne = false }: RMSNormOptions) {
    super();
    // A weight that counts from 1 starts at 0, as biases do.
    this.weight = source.take("weight", [width], fromOne ? "bias" : "scale");
    this.epsilon = epsilon;
    this.fromOne = fromOne;
  }

  /** @param x `[…, width]` */
  forward(x: Tensor): Tensor {
    if (runsFused(x)) return fusedRmsNorm(x, this.weight, this.epsilon, this.fromOne);
    const dtype = x.dtype;
    const exact = widened(x);
    const scale = rsqrt(addScalar(meanDim(pow(exact, 2), [-1], true), this.epsilon));
    const normalised = mul(exact, scale);
    if (this.fromOne) return rounded(mul(normalised, addScalar(widened(this.weight), 1)), dtype);
    return mul(this.weight, rounded(normalised, dtype));
  }
}

function widened(x: Tensor): Tensor {
  return x.dtype === "bfloat16" || x.dtype === "float16" ? toDType(x, "float32") : x;
}

function rounded(x: Tensor, dtype: Tensor["dtype"]): Tensor {
  return x.dtype === dtype ? x : toDType(x, dtype);
}
