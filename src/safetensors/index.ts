export { SafetensorsFile } from "./file.ts";
export { readSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from "./header.ts";
export { type LazyTensor, type TensorSource, tensorBytes, writeSafetensors } from "./write.ts";
