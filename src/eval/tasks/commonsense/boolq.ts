import { choicesAfterContext, commonsenseTask } from "./commonsense-task.ts";

/** These files lack the passage; log-likelihood scoring uses lm-evaluation-harness' prompt without it. */
export const boolq = commonsenseTask({
  name: "boolq",
  description: "BoolQ: questions to be answered with true or false",
  folders: ["boolq", "BoolQ"],
  instructionPrefix: "Please answer the following question with true or false, question: ",
  answers: ["true", "false"],
  choices: ({ question }) => choicesAfterContext(`Question: ${question}\nAnswer:`, ["yes", "no"]),
});
