import { type GlueTask, usualSplits } from "./task.ts";

export const cola: GlueTask = {
  name: "cola",
  description: "Is a sentence acceptable English? (Matthews correlation)",
  folder: "CoLA",
  texts: [["sentence"]],
  label: ["label"],
  columns: ["source", "label", "mark", "sentence"],
  labels: ["unacceptable", "acceptable"],
  splits: usualSplits,
};
