import { type GlueTask, usualSplits } from "../glue-task.ts";

export const qqp: GlueTask = {
  name: "qqp",
  description: "Do two questions ask the same? (F1, accuracy)",
  folder: "QQP",
  textColumns: [["question1"], ["question2"]],
  labelColumns: ["is_duplicate", "label"],
  labels: ["not_duplicate", "duplicate"],
  splits: usualSplits,
};
