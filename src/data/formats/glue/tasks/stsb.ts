import { type GlueTask, usualSplits } from "../glue-task.ts";

export const stsb: GlueTask = {
  name: "stsb",
  description: "How alike are two sentences, from 0 to 5? (Pearson, Spearman)",
  folder: "STS-B",
  textColumns: [["sentence1"], ["sentence2"]],
  labelColumns: ["score", "label"],
  labels: undefined,
  splits: usualSplits,
};
