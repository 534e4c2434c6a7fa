import { type GlueTask, usualSplits } from "../glue-task.ts";

export const sst2: GlueTask = {
  name: "sst2",
  description: "Is a sentence of a film review positive? (accuracy)",
  folder: "SST-2",
  textColumns: [["sentence"]],
  labelColumns: ["label"],
  labels: ["negative", "positive"],
  splits: usualSplits,
};
