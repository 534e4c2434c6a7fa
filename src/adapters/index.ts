export { attach, attachFolder, attachParsed } from "./attach.ts";
export type { AdapterSet, EventReport, Moments, StepContext, Trainable } from "./core/adapter-set.ts";
export { LayerAdapters } from "./core/layer-adapters.ts";
export { LowRankAdapters } from "./core/low-rank-adapters.ts";
export { writeLora } from "./peft/lora.ts";
export { type BuiltInOptions as AdapterOptions, listMethods, methodNamed } from "./registry.ts";
