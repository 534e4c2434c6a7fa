import { lettered } from "./authors-row.ts";
import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const arcChallenge = commonsenseTask({
  name: "arc-c",
  description: "ARC-c: school science, the questions that simple methods get wrong",
  folders: ["arc-c", "ARC-Challenge", "arc_challenge"],
  instructionPrefix: "Please choose the correct answer to the question: ",
  optionLabel: "Answer",
  answers: numberedAnswers("answer", 5),
  authorsLayout: "question + choices + answerKey",
  readAuthorsRow: (row) => lettered(row, "question"),
  choices: ({ question, options }) => choicesAfterContext(`Question: ${question}\nAnswer:`, options),
});
