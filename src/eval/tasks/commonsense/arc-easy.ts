import { commonsenseTask, numbered, optionsAfter } from "./instruction.ts";

export const arcEasy = commonsenseTask({
  name: "arc-e",
  description: "ARC-e: school science, the easy questions",
  folders: ["arc-e", "ARC-Easy", "arc_easy"],
  opening: "Please choose the correct answer to the question: ",
  option: "Answer",
  answers: numbered("answer", 5),
  choices: ({ question, options }) => optionsAfter(`Question: ${question}\nAnswer:`, options),
});
