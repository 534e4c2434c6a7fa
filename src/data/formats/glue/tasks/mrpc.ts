import { type GlueTask, usualSplits } from "../glue-task.ts";

export const mrpc: GlueTask = {
  name: "mrpc",
  description: "Do two sentences say the same? (F1, accuracy)",
  folder: "MRPC",
  textColumns: [
    ["#1 String", "sentence1"],
    ["#2 String", "sentence2"],
  ],
  labelColumns: ["Quality", "label"],
  labels: ["not_equivalent", "equivalent"],
  splits: usualSplits,
};
