import { addScalar, reshape, type Tensor, transpose } from "../torch/index.ts";
import type { WeightConversion } from "./architectures.ts";

/** Heads of queries, and of keys and values. */
export interface HeadCounts {
  readonly query: number;
  readonly key: number;
}

/**
 * A parameter as the model has it, from one as the format has it. Llama's rotary pairs are `(i, i + d/2)` in the model and
 * neighbours in the format (`LlamaModel.permute` of llama.cpp's conversion).
 */
export function fromGguf(tensor: Tensor, convention: WeightConversion, heads: HeadCounts): Tensor {
  if (convention === "none") return tensor;
  if (convention === "norm") return addScalar(tensor, -1);
  return permuteRotaryRows(tensor, convention === "query" ? heads.query : heads.key, false);
}

/** A parameter as the format has it. */
export function toGguf(tensor: Tensor, convention: WeightConversion, heads: HeadCounts): Tensor {
  if (convention === "none") return tensor;
  if (convention === "norm") return addScalar(tensor, 1);
  return permuteRotaryRows(tensor, convention === "query" ? heads.query : heads.key, true);
}

/** Swaps halves and pairs of the rows of each head. */
function permuteRotaryRows(tensor: Tensor, heads: number, toPairs: boolean): Tensor {
  const { shape } = tensor;
  const half = tensor.size(0) / heads / 2;
  const grouped = reshape(tensor, [heads, ...(toPairs ? [2, half] : [half, 2]), ...shape.slice(1)]);
  return reshape(transpose(grouped, 1, 2), shape);
}
