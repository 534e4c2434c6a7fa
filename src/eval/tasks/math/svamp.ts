import { numberProblemTask } from "./number-problem-task.ts";

export const svamp = numberProblemTask({
  name: "svamp",
  description: "SVAMP: school maths in words, varied so that patterns do not help",
  folders: ["svamp", "SVAMP"],
  authors: "ChilleD/SVAMP of the Hugging Face hub",
  authorsColumns: {
    question: ["Question", "sQuestion", "question"],
    answer: ["Answer", "lSolutions", "answer"],
  },
});
