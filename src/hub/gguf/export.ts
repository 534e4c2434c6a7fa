export type { GgufDescription } from "./description.js";
export type { WritableType } from "./encode.js";
export { llama3Factors } from "./rope.js";
export { adapterToGguf } from "./write-adapter.js";
export { roundedAsStored, type StoredParameter, writeGgufModel } from "./write-model.js";
