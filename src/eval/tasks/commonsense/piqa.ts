import { numberIn, textsOf } from "./authors-row.ts";
import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const piqa = commonsenseTask({
  name: "piqa",
  description: "PIQA: which of two solutions works in the physical world",
  folders: ["piqa", "PIQA"],
  instructionPrefix: "Please choose the correct solution to the question: ",
  optionLabel: "Solution",
  answers: numberedAnswers("solution", 2),
  betweenOptions: "\n\n",
  authorsLayout: "goal + sol1 + sol2 + label",
  readAuthorsRow: (row) => {
    const [question, ...options] = textsOf(row, "goal", "sol1", "sol2") ?? [];
    return question === undefined ? undefined : { question, options, right: numberIn(row["label"]) };
  },
  choices: ({ question, options }) => choicesAfterContext(`Question: ${question}\nAnswer:`, options),
});
