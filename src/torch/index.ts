export { grad, isGradEnabled, noGrad } from "./autograd.ts";
export { measureBfloat16 } from "./bfloat16-speed.ts";
export { DeviceGraph } from "./device-graph.ts";
export { dispatch } from "./dispatch.ts";
export { type DType, dtypeWidth, isDType, type TensorData } from "./dtype.ts";
export { fromData, indices } from "./from-data.ts";
export { combineNumbers, gatherBytes, gatherNumbers, gatherTexts } from "./gather.ts";
export { type GemmBackend, gemmBackends, requireGemmBackend, useGemmBackend } from "./gemm-backend.ts";
export { chooseGemmBackend, type GemmChoice, type GemmLookup, lookUpGemmBackend } from "./gemm-choice.ts";
export { type GemmVerdict, measureGemmBackends } from "./gemm-verdict.ts";
export { Generator } from "./generator.ts";
export { leakReport, trackLeaks } from "./leaks.ts";
export { MappedFile, mappedFilesIntact } from "./mapped-file.ts";
export * from "./operators.generated.ts";
export {
  type GroupWatch,
  ProcessGroup,
  type ProcessGroupOptions,
  type Reduction,
  type SumRound,
} from "./process-group.ts";
export { type Processor, processor } from "./processor.ts";
export {
  beginLabel,
  type EventKind,
  endLabel,
  endRecording,
  type OperatorEvent,
  type Recording,
  startRecording,
} from "./profile.ts";
export { allOrNothing, ScopeInParts, scope } from "./scope.ts";
export { stopAnswers } from "./stop-signals.ts";
export {
  type ActionMemory,
  cpuCapability,
  cudaDevices,
  deviceMemory,
  endQuickly,
  hasFusedAttention,
  keepFreedMemory,
  keepsFreedMemory,
  measureMemory,
  memory,
  parallelInfo,
  releaseFreeMemory,
  resetDevicePeak,
  residentMemory,
  setThreads,
  threads,
  torchVersion,
} from "./system.ts";
export { liveTensorCount, Tensor } from "./tensor.ts";
export { visitBytes } from "./visit-bytes.ts";
