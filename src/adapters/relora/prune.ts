import {
  abs,
  gtScalar,
  mul_,
  narrow,
  noGrad,
  reshape,
  scope,
  select,
  sort,
  type Tensor,
  toDType,
} from "../../torch/index.js";

/**
 * Sets the smallest numbers of each slice of a stack to 0, by size: a share of them, as `numel · share` rounded, and what
 * equals the largest of those. The threshold is the quantile of the paper's code.
 */
export function pruneSlices(stack: Tensor, share: number): void {
  const [layers] = stack.shape;
  noGrad(() => {
    for (let index = 0; index < layers; index++) scope(() => pruneOne(select(stack, 0, index), share));
  });
}

function pruneOne(slice: Tensor, share: number): void {
  const sizes = abs(slice);
  const [sorted] = sort(reshape(sizes, [-1]));
  const place = Math.floor(share * (slice.numel - 1));
  const threshold = narrow(sorted, 0, place, 1).item();
  mul_(slice, toDType(gtScalar(sizes, threshold), slice.dtype));
}
