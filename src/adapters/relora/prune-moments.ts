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
 * Sets a fraction of the moments of each slice of a stack to 0, those with the smallest magnitude of the first moment; the
 * quantile is that of the paper's code. Both moments share one mask. The paper's code prunes each by its own magnitude: then a
 * first moment can survive whose second moment is 0, and Adam divides it by almost nothing.
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
