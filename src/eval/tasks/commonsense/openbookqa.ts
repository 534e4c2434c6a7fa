import { commonsenseTask, numbered, optionsAfter } from "./instruction.ts";

export const openbookqa = commonsenseTask({
  name: "obqa",
  description: "OBQA: science facts and what follows from them",
  folders: ["obqa", "openbookqa", "OpenBookQA"],
  opening: "Please choose the correct answer to the question: ",
  option: "Answer",
  answers: numbered("answer", 4),
  choices: ({ question, options }) => optionsAfter(question, options),
});
