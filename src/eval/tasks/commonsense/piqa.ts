import { commonsenseTask, numbered, optionsAfter } from "./instruction.ts";

export const piqa = commonsenseTask({
  name: "piqa",
  description: "PIQA: which of two solutions works in the physical world",
  folders: ["piqa", "PIQA"],
  opening: "Please choose the correct solution to the question: ",
  option: "Solution",
  answers: numbered("solution", 2),
  choices: ({ question, options }) => optionsAfter(`Question: ${question}\nAnswer:`, options),
});
