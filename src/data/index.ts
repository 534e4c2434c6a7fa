export { type ChatMessage, ChatTemplate, type RenderOptions } from "../chat-template/chat-template.ts";
export { readRows } from "../data-files/read-rows.ts";
export {
  isSameNumber,
  lastNumber,
  plainNumber,
  readAdaptersMaths,
} from "./adapters-maths.ts";
export { BatchSource, type BatchSourceOptions, type BatchState, batchesInOrder } from "./batch-source.ts";
export { collate } from "./collate.ts";
export { mapColumns } from "./column-mapping.ts";
export { deriveSeed } from "./derive-seed.ts";
export {
  findGlueTask,
  type GlueExample,
  type GlueName,
  type GlueTask,
  glueTasks,
  readGlueRows,
} from "./glue/index.ts";
export { unreadGrades, verdictColumn } from "./judgement-columns.ts";
export { type Dataset, type LoadDatasetOptions, loadDataset } from "./load-dataset.ts";
export { type LoadExamplesOptions, type LoadedExamples, loadExamples } from "./load-examples.ts";
export { type MaskSegment, maskPreview } from "./mask-preview.ts";
export { alpacaPrompt, gsm8kPrompt, scriptPrompt } from "./prompt-templates.ts";
export type * from "./types.ts";
