export type { AdapterSet, EventReport, Moments, StepContext, Trainable } from "./core/contract.ts";
export { LowRankAdapters } from "./core/factor-adapters.ts";
export { LayerAdapters } from "./core/layer-adapters.ts";
export { writeLora } from "./lora/peft.ts";
export { type AdapterOptions, attach, attachFolder } from "./registry.ts";
