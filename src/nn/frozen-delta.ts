import type { Tensor } from "../torch/index.ts";

/** Frozen factors P `[out, k]` and Q `[in, k]`, whose product counts as a part of a layer's weight. */
export interface FrozenDelta {
  readonly P: Tensor;
  readonly Q: Tensor;
}
