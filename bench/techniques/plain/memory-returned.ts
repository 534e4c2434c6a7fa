// In the place of src/torch/index.ts in bench/peer/ours.ts: malloc returns freed memory as it sees fit.
export * from "../../../src/torch/index.ts";

export const keepFreedMemory = () => false;
