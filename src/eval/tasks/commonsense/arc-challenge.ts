import { commonsenseTask, numbered, optionsAfter } from "./instruction.ts";

export const arcChallenge = commonsenseTask({
  name: "arc-c",
  description: "ARC-c: school science, the questions that simple methods get wrong",
  folders: ["arc-c", "ARC-Challenge", "arc_challenge"],
  opening: "Please choose the correct answer to the question: ",
  option: "Answer",
  answers: numbered("answer", 5),
  choices: ({ question, options }) => optionsAfter(`Question: ${question}\nAnswer:`, options),
});
