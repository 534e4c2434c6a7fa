export { readSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from "./header.ts";
export { SafetensorsFile } from "./safetensors-file.ts";
export { type LazyTensor, type TensorSource, tensorBytes, writeSafetensors } from "./write-safetensors.ts";
