export { SafetensorsFile } from "./file.js";
export { readSafetensors, type SafetensorsEntry, type SafetensorsHeader } from "./header.js";
export { tensorBytes, writeSafetensors } from "./write.js";
