export { grad, isRecording, noGrad } from "./autograd.js";
export { dispatch } from "./dispatch.js";
export { type DType, dtypeWidth, isDType, type TensorData } from "./dtype.js";
export { chooseGemmBackend, type GemmBackend, type GemmProbe, useGemmBackend } from "./gemm-backend.js";
export { Generator } from "./generator.js";
export { leakReport, trackLeaks } from "./leaks.js";
export { MappedFile, mappedFilesIntact } from "./mapped-file.js";
export * from "./operators.generated.js";
export { scope } from "./scope.js";
export {
  cpuCapability,
  hasCuda,
  hasFusedAttention,
  memory,
  parallelInfo,
  releaseFreeMemory,
  setThreads,
  threads,
  torchVersion,
} from "./system.js";
export { fromData, indices, liveTensors, Tensor } from "./tensor.js";
