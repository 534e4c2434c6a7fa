import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const piqa = commonsenseTask({
  name: "piqa",
  description: "PIQA: which of two solutions works in the physical world",
  folders: ["piqa", "PIQA"],
  instructionPrefix: "Please choose the correct solution to the question: ",
  optionLabel: "Solution",
  answers: numberedAnswers("solution", 2),
  choices: ({ question, options }) => choicesAfterContext(`Question: ${question}\nAnswer:`, options),
});
