export type { GgufDescription } from "./description.ts";
export type { WritableType } from "./encode.ts";
export { llama3Factors } from "./rope.ts";
export { adapterToGguf } from "./write-adapter.ts";
export { type LazyParameter, roundToStoredType, writeGgufModel } from "./write-model.ts";
