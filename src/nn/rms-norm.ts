import {
  addScalar,
  fusedRmsNorm,
  mean,
  mul,
  pow,
  rmsNorm,
  rsqrt,
  type Tensor,
  toDType,
} from "../torch/index.ts";
import { canUseFusedKernel } from "./can-use-fused-kernel.ts";
import { Module } from "./module.ts";
import type { ParameterSource } from "./parameter-source.ts";

export interface RMSNormOptions {
  epsilon: number;
  /** Multiply by 1 + w instead of w, before rounding to the dtype of x instead of after (Gemma). */
  addUnitOffset?: boolean;
}

/** `w ∘ x / √(mean(x²) + ε)` over the last dimension, the mean in fp32 whatever the dtype of x (as Llama does it). */
export class RMSNorm extends Module {
  /** `[width]` */
  weight: Tensor;
  private readonly epsilon: number;
  private readonly addUnitOffset: boolean;

  constructor(source: ParameterSource, width: number, { epsilon, addUnitOffset = false }: RMSNormOptions) {
    super();
    // An offset from 1 is initialised to 0, as biases are.
    this.weight = source.take("weight", [width], addUnitOffset ? "bias" : "scale");
    this.epsilon = epsilon;
    this.addUnitOffset = addUnitOffset;
  }

  /** @param x `[…, width]` */
  forward(x: Tensor): Tensor {
    if (canUseFusedKernel(x, this.weight))
      return fusedRmsNorm(x, this.weight, this.epsilon, { fromOne: this.addUnitOffset });
    if (x.device !== "cpu" && !this.addUnitOffset)
      return rmsNorm(x, this.weight.shape, { weight: this.weight, eps: this.epsilon });
    const dtype = x.dtype;
    const exact = upcast(x);
    const scale = rsqrt(addScalar(mean(pow(exact, 2), { dim: [-1], keepdim: true }), this.epsilon));
    const normalised = mul(exact, scale);
    if (this.addUnitOffset) return castTo(mul(normalised, addScalar(upcast(this.weight), 1)), dtype);
    return mul(this.weight, castTo(normalised, dtype));
  }
}

function upcast(x: Tensor): Tensor {
  return x.dtype === "bfloat16" || x.dtype === "float16" ? toDType(x, "float32") : x;
}

function castTo(x: Tensor, dtype: Tensor["dtype"]): Tensor {
  return x.dtype === dtype ? x : toDType(x, dtype);
}
