import type { Tensor } from "../torch/index.ts";

/** Queries, keys and values of a token stream; fewer key-value heads than query heads are grouped-query attention. */
export interface QueryKeyValue {
  /** `[T, heads, headDim]` */
  queries: Tensor;
  /** `[T, kvHeads, headDim]` */
  keys: Tensor;
  /** `[T, kvHeads, headDim]` */
  values: Tensor;
}

/** Options of causal attention. */
export interface AttentionOptions {
  /** The scores are multiplied by it; usually 1/√headDim. */
  scale: number;
  /** Sliding window: tokens that a token attends to, itself included; all earlier ones by default. */
  slidingWindow?: number | undefined;
  /** Scores s become c·tanh(s/c) (Gemma 2). */
  softCap?: number | undefined;
}
