import type { Linear } from "../../nn/index.ts";
import { add, fastLinear, type Tensor, toDType } from "../../torch/index.ts";

/**
 * `x (W + change)ᵀ + b`. In bfloat16 it takes two products: adding the change to W would round small changes away.
 * @param change `[m, n]`, part of the graph
 */
export function forwardWithDelta(x: Tensor, base: Linear, change: Tensor): Tensor {
  const own = toDType(change, x.dtype);
  if (x.dtype !== "bfloat16") return fastLinear(x, add(base.denseWeight(), own), { bias: base.bias });
  return add(base.forwardBase(x), fastLinear(x, own));
}
