import { isGradEnabled, type Tensor } from "../torch/index.ts";

/** Whether the fused kernels of a decoder's layers support these tensors: all float32, or all bfloat16, on the CPU. */
export function canUseFusedKernel(x: Tensor, ...others: readonly Tensor[]): boolean {
  const { dtype } = x;
  const isSupported = dtype === "float32" || dtype === "bfloat16";
  return (
    isSupported &&
    x.device === "cpu" &&
    others.every((other) => other.dtype === dtype && other.device === "cpu")
  );
}

/** Whether the fused kernel of a decoding step supports this tensor: float32 or bfloat16, on the CPU, within `noGrad`. */
export function canUseFusedStep(x: Tensor): boolean {
  return !isGradEnabled() && canUseFusedKernel(x);
}
