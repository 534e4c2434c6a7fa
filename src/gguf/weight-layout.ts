import { addScalar, reshape, type Tensor, transpose } from "../torch/index.ts";
import type { WeightConversion } from "./architectures.ts";

/** Number of query heads, and of key-value heads. */
export interface HeadCounts {
  readonly query: number;
  readonly key: number;
}

/**
 * Converts a parameter from GGUF's convention to Hugging Face's. Llama's rotary pairs are `(i, i + d/2)` in Hugging Face's and
 * neighbours in GGUF's (`LlamaModel.permute` of llama.cpp's conversion).
 */
export function fromGguf(tensor: Tensor, convention: WeightConversion, heads: HeadCounts): Tensor {
  if (convention === "none") return tensor;
  if (convention === "norm") return addScalar(tensor, -1);
  return permuteRotaryRows(tensor, convention === "query" ? heads.query : heads.key, false);
}

/** Converts a parameter to GGUF's convention. */
export function toGguf(tensor: Tensor, convention: WeightConversion, heads: HeadCounts): Tensor {
  if (convention === "none") return tensor;
  if (convention === "norm") return addScalar(tensor, 1);
  return permuteRotaryRows(tensor, convention === "query" ? heads.query : heads.key, true);
}

/** Reorders the rows of each head between rotary halves and interleaved pairs. */
function permuteRotaryRows(tensor: Tensor, heads: number, toPairs: boolean): Tensor {
  const { shape } = tensor;
  const half = tensor.size(0) / heads / 2;
  const grouped = reshape(tensor, [heads, ...(toPairs ? [2, half] : [half, 2]), ...shape.slice(1)]);
  return reshape(transpose(grouped, 1, 2), shape);
}
