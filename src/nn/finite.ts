import * as torch from "../torch/index.ts";
import { noGrad, scope, type Tensor } from "../torch/index.ts";

/** Whether every element is finite. Reads the tensor once: NaN and infinities reach the sum; only a sum that overflows needs more. */
export function allFinite(x: Tensor): boolean {
  return noGrad(() =>
    scope(() => Number.isFinite(torch.sum(torch.detach(x)).item()) || countNonFinite(x) === 0),
  );
}

/** Number of elements that are NaN or infinite. */
export function countNonFinite(x: Tensor): number {
  return noGrad(() => scope(() => torch.sum(torch.logicalNot(torch.isfinite(torch.detach(x)))).item()));
}
