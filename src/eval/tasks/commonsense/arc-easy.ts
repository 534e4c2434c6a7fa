import { lettered } from "./authors-row.ts";
import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const arcEasy = commonsenseTask({
  name: "arc-e",
  description: "ARC-e: school science, the easy questions",
  folders: ["arc-e", "ARC-Easy", "arc_easy"],
  instructionPrefix: "Please choose the correct answer to the question: ",
  optionLabel: "Answer",
  answers: numberedAnswers("answer", 5),
  authorsLayout: "question + choices + answerKey",
  readAuthorsRow: (row) => lettered(row, "question"),
  choices: ({ question, options }) => choicesAfterContext(`Question: ${question}\nAnswer:`, options),
});
