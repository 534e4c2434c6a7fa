import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const siqa = commonsenseTask({
  name: "siqa",
  description: "SIQA: what people do and feel in a situation",
  folders: ["siqa", "social_i_qa", "SIQA"],
  instructionPrefix: "Please choose the correct answer to the question: ",
  optionLabel: "Answer",
  answers: numberedAnswers("answer", 3),
  choices: ({ question, options }) => choicesAfterContext(`Q: ${question}\nA:`, options),
});
