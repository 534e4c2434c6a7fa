export type { AdapterSet, EventReport, Moments, StepContext, Trainable } from "./core/contract.js";
export { FactorAdapters } from "./core/factor-adapters.js";
export { LayerAdapters } from "./core/layer-adapters.js";
export { writeLora } from "./lora/peft.js";
export { type AdapterOptions, attach, attachFolder } from "./registry.js";
