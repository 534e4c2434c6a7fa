import { choicesAfterContext, commonsenseTask } from "./commonsense-task.ts";

/** LLM-Adapters leaves out the passage, and so do we; log-likelihood scoring uses lm-evaluation-harness' prompt without it. */
export const boolq = commonsenseTask({
  name: "boolq",
  description: "BoolQ: questions to be answered with true or false",
  folders: ["boolq", "BoolQ"],
  instructionPrefix: "Please answer the following question with true or false, question: ",
  answers: ["true", "false"],
  authorsLayout: "question + passage + answer",
  readAuthorsRow: ({ question, answer, passage }) => {
    if (typeof question !== "string" || typeof passage !== "string") return undefined;
    return { question: `${question}?`, options: [], right: ["true", "false"].indexOf(String(answer)) };
  },
  choices: ({ question }) => choicesAfterContext(`Question: ${question}\nAnswer:`, ["yes", "no"]),
});
