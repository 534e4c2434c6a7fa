import { isGradEnabled, type Tensor } from "../torch/index.ts";

/** Whether the fused inference kernels support this tensor: float32, on the CPU, within `noGrad`. */
export function canUseFusedKernel(x: Tensor): boolean {
  return !isGradEnabled() && x.dtype === "float32" && x.device === "cpu";
}
