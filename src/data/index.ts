export { type ChatMessage, ChatTemplate, type RenderOptions } from "../chat-template/chat-template.ts";
export { readRows } from "../data-files/read-rows.ts";
export { BatchSource, type BatchSourceOptions, type BatchState, batchesInOrder } from "./batch-source.ts";
export { collate } from "./collate.ts";
export { deriveSeed } from "./derive-seed.ts";
export {
  isSameNumber,
  lastNumber,
  plainNumber,
  readAdaptersMaths,
} from "./formats/adapters-maths.ts";
export { mapColumns } from "./formats/column-mapping.ts";
export {
  findGlueTask,
  type GlueExample,
  type GlueName,
  type GlueTask,
  glueTasks,
  readGlueRows,
} from "./formats/glue/index.ts";
export { unreadGrades, verdictColumn } from "./formats/judgement-columns.ts";
export { alpacaPrompt, gsm8kPrompt, scriptPrompt } from "./formats/prompt-templates.ts";
export type * from "./formats/types.ts";
export { refuseLabelledRows } from "./labelled-rows.ts";
export { type Dataset, type LoadDatasetOptions, loadDataset } from "./load-dataset.ts";
export { type LoadExamplesOptions, type LoadedExamples, loadExamples } from "./load-examples.ts";
export { type MaskSegment, maskPreview } from "./mask-preview.ts";
export { rowsPackedTogether } from "./packing.ts";
export type * from "./types.ts";
