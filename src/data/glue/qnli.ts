import { type GlueTask, usualSplits } from "./task.ts";

export const qnli: GlueTask = {
  name: "qnli",
  description: "Does a sentence answer a question? (accuracy)",
  folder: "QNLI",
  texts: [["question"], ["sentence"]],
  label: ["label"],
  labels: ["entailment", "not_entailment"],
  splits: usualSplits,
};
