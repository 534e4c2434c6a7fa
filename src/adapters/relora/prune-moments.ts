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
  toDType,
} from "../../torch/index.ts";
import type { Moments } from "../core/adapter-set.ts";

/**
 * Sets a share of the moments of each slice of a stack to 0: where the first moment is smallest by size, up to the quantile
 * that the paper's code takes; a share of 0 leaves all. One mask serves both moments. The paper's code prunes each by its own size; then a mean can
 * stay whose mean of squares is gone, and Adam divides it by next to nothing.
 */
export function pruneMoments({ expAvg, expAvgSq }: Moments, fraction: number): void {
  if (fraction === 0) return;
  noGrad(() => {
    for (let index = 0; index < expAvg.size(0); index++)
      scope(() => {
        const slice = select(expAvg, 0, index);
        const sizes = abs(slice);
        const [sorted] = sort(reshape(sizes, [-1]));
        const threshold = narrow(sorted, 0, Math.floor(fraction * (slice.numel - 1)), 1).item();
        const kept = toDType(gtScalar(sizes, threshold), slice.dtype);
        mul_(slice, kept);
        if (expAvgSq) mul_(select(expAvgSq, 0, index), kept);
      });
  });
}
