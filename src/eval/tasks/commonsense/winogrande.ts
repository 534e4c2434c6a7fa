import { numberIn, textsOf } from "./authors-row.ts";
import { commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

/** Log-likelihood scoring compares the text after the blank, given each way to fill it (lm-evaluation-harness; arXiv 1806.02847). */
export const winogrande = commonsenseTask({
  name: "winogrande",
  description: "WinoGrande: whom or what a blank stands for",
  folders: ["winogrande", "WinoGrande"],
  instructionPrefix: "Please choose the correct answer to fill in the blank to complete the given sentence: ",
  optionLabel: "Option",
  answers: numberedAnswers("option", 2),
  beforeFormat: " ",
  authorsLayout: "sentence + option1 + option2 + answer",
  readAuthorsRow: (row) => {
    const [question, ...options] = textsOf(row, "sentence", "option1", "option2") ?? [];
    return question === undefined ? undefined : { question, options, right: numberIn(row["answer"]) - 1 };
  },
  choices: ({ question, options }) => {
    const [before, ...after] = question.split("_");
    const continuation = ` ${after.join("_").trim()}`;
    return options.map((text) => ({ context: before + text, continuation }));
  },
});
