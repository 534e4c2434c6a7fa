import { lettered } from "./authors-row.ts";
import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const openbookqa = commonsenseTask({
  name: "obqa",
  description: "OBQA: science facts and what follows from them",
  folders: ["obqa", "openbookqa", "OpenBookQA"],
  instructionPrefix: "Please choose the correct answer to the question: ",
  optionLabel: "Answer",
  answers: numberedAnswers("answer", 4),
  authorsLayout: "question_stem + choices + answerKey",
  readAuthorsRow: (row) => lettered(row, "question_stem"),
  choices: ({ question, options }) => choicesAfterContext(question, options),
});
