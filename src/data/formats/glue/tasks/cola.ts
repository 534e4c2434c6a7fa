import { type GlueTask, usualSplits } from "../glue-task.ts";

export const cola: GlueTask = {
  name: "cola",
  description: "Is a sentence acceptable English? (Matthews correlation)",
  folder: "CoLA",
  textColumns: [["sentence"]],
  labelColumns: ["label"],
  headerlessColumns: ["source", "label", "mark", "sentence"],
  labels: ["unacceptable", "acceptable"],
  splits: usualSplits,
};
