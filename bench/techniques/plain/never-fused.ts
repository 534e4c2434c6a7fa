// In the place of src/nn/can-use-fused-kernel.ts: every layer computes by operators of libtorch.
export const canUseFusedKernel = () => false;
export const canUseFusedStep = () => false;
