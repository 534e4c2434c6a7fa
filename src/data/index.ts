export { type BatchOptions, BatchSource, type BatchState, batchesInOrder } from "./batch-source.js";
export { type ChatMessage, ChatTemplate, type RenderOptions } from "./chat-template.js";
export { collate } from "./collate.js";
export { type Dataset, loadDataset } from "./dataset.js";
export {
  type GlueExample,
  type GlueName,
  type GlueTask,
  glueTaskOf,
  glueTasks,
  readGlueRows,
} from "./glue/index.js";
export { deriveSeed } from "./hash.js";
export { type LoadedExamples, loadExamples } from "./load.js";
export { type MaskSegment, maskPreview } from "./mask-preview.js";
export { alpacaPrompt, gsm8kPrompt } from "./prompts.js";
export { readRows } from "./tables.js";
export type * from "./types.js";
