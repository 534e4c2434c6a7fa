export { attach, attachFolder, attachParsed, type OptionsOf } from "./attach.ts";
export type {
  AdapterSet,
  EventReport,
  LayerScalingPreview,
  LowRankLayers,
  Moments,
  ScalingEvents,
  StepContext,
  StepHooks,
  Trainable,
} from "./core/adapter-set.ts";
export { Bank, groupIntoBanks, type NamedLinear } from "./core/bank.ts";
export {
  type AdapterParts,
  adapterExportError,
  adapterSet,
  LayerAdapters,
  type MethodHooks,
} from "./core/layer-adapters.ts";
export type { LowRankAdapters } from "./core/low-rank-adapters.ts";
export type { AdapterConfig, AttachContext, Method, OptionsSchema } from "./core/method.ts";
export { resolveModulesToSave } from "./core/modules-to-save.ts";
export { findLayers } from "./core/targets.ts";
export { targetFields } from "./options/fields.ts";
export { writeLora } from "./peft/lora-format.ts";
export {
  type BuiltInOptions as AdapterOptions,
  listMethods,
  registerMethod,
} from "./registry.ts";
