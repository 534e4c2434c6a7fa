import { numberIn, textsOf } from "./authors-row.ts";
import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const siqa = commonsenseTask({
  name: "siqa",
  description: "SIQA: what people do and feel in a situation",
  folders: ["siqa", "social_i_qa", "SIQA"],
  instructionPrefix: "Please choose the correct answer to the question: ",
  optionLabel: "Answer",
  answers: numberedAnswers("answer", 3),
  authorsLayout: "context + question + answerA + answerB + answerC + label",
  readAuthorsRow: (row) => {
    const texts = textsOf(row, "context", "question", "answerA", "answerB", "answerC");
    if (texts === undefined) return undefined;
    const [context, question, ...options] = texts;
    return { question: `${context} ${question}`, options, right: numberIn(row["label"]) - 1 };
  },
  choices: ({ question, options }) => choicesAfterContext(`Q: ${question}\nA:`, options),
});
