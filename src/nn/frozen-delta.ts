import type { Tensor } from "../torch/index.ts";

/** Frozen factors P `[out, k]` and Q `[in, k]`: P Qᵀ is added to a layer's weight. */
export interface FrozenDelta {
  readonly P: Tensor;
  readonly Q: Tensor;
}
