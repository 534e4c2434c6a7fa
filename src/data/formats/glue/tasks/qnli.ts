import { type GlueTask, usualSplits } from "../glue-task.ts";

export const qnli: GlueTask = {
  name: "qnli",
  description: "Does a sentence answer a question? (accuracy)",
  folder: "QNLI",
  textColumns: [["question"], ["sentence"]],
  labelColumns: ["label"],
  labels: ["entailment", "not_entailment"],
  splits: usualSplits,
};
