import type { Linear } from "../../nn/index.js";
import { add, fastLinear, type Tensor, toDType } from "../../torch/index.js";

/**
 * `x (W + change)ᵀ + b`. In bfloat16 by two products, for the sum would round away what is small beside W.
 * @param change `[m, n]`, part of the graph
 */
export function withChange(x: Tensor, { weight, bias }: Linear, change: Tensor): Tensor {
  const own = toDType(change, weight.dtype);
  if (weight.dtype !== "bfloat16") return fastLinear(x, add(weight, own), bias);
  return add(fastLinear(x, weight, bias), fastLinear(x, own));
}
