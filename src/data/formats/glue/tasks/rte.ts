import { type GlueTask, usualSplits } from "../glue-task.ts";

export const rte: GlueTask = {
  name: "rte",
  description: "Does a sentence follow from another? (accuracy)",
  folder: "RTE",
  textColumns: [["sentence1"], ["sentence2"]],
  labelColumns: ["label"],
  labels: ["entailment", "not_entailment"],
  splits: usualSplits,
};
