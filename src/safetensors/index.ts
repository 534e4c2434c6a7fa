export { SafetensorsFile } from "./file.ts";
export { readSafetensors, type SafetensorsEntry, type SafetensorsHeader } from "./header.ts";
export { type LazyTensor, sourceBytes, type TensorSource, writeSafetensors } from "./write.ts";
