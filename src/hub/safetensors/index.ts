export { SafetensorsFile } from "./file.js";
export { readSafetensors, type SafetensorsEntry, type SafetensorsHeader } from "./header.js";
export { type LazyTensor, sourceBytes, type TensorSource, writeSafetensors } from "./write.js";
