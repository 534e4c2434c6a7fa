import type { GlueTask } from "../glue-task.ts";

export const mnli: GlueTask = {
  name: "mnli",
  description: "Does a sentence follow from another, matched genres? (accuracy)",
  folder: "MNLI",
  textColumns: [
    ["sentence1", "premise"],
    ["sentence2", "hypothesis"],
  ],
  labelColumns: ["gold_label", "label", "label1"],
  labels: ["entailment", "neutral", "contradiction"],
  splits: { train: ["train"], dev: ["dev_matched", "validation_matched"] },
};
