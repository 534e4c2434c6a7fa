import { type GlueTask, usualSplits } from "./task.ts";

export const rte: GlueTask = {
  name: "rte",
  description: "Does a sentence follow from another? (accuracy)",
  folder: "RTE",
  texts: [["sentence1"], ["sentence2"]],
  label: ["label"],
  labels: ["entailment", "not_entailment"],
  splits: usualSplits,
};
