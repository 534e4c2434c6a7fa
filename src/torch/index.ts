export { grad, isGradEnabled, noGrad } from "./autograd.ts";
export { dispatch } from "./dispatch.ts";
export { type DType, dtypeWidth, isDType, type TensorData } from "./dtype.ts";
export { fromData, indices } from "./from-data.ts";
export {
  chooseGemmBackend,
  type GemmBackend,
  type GemmChoice,
  type GemmProbe,
  gemmBackends,
  measureGemmBackends,
  requireGemmBackend,
  useGemmBackend,
} from "./gemm-backend.ts";
export { Generator } from "./generator.ts";
export { leakReport, trackLeaks } from "./leaks.ts";
export { MappedFile, mappedFilesIntact } from "./mapped-file.ts";
export * from "./operators.generated.ts";
export { allOrNothing, ScopeInParts, scope } from "./scope.ts";
export {
  type ActionMemory,
  cpuCapability,
  hasCuda,
  hasFusedAttention,
  keepFreedMemory,
  keepsFreedMemory,
  measureMemory,
  memory,
  parallelInfo,
  releaseFreeMemory,
  residentMemory,
  setThreads,
  threads,
  torchVersion,
} from "./system.ts";
export { liveTensorCount, Tensor } from "./tensor.ts";
export { visitBytes } from "./visit-bytes.ts";
