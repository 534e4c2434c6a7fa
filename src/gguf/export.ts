export type { WritableType } from "./encode-tensor.ts";
export type { GgufDescription } from "./model-description.ts";
export { llama3Factors } from "./rope-scaling.ts";
export { type LazyParameter, roundToStoredType, writeGgufModel } from "./write-model.ts";
