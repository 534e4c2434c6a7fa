import { numberProblemTask } from "./number-problem-task.ts";

export const mawps = numberProblemTask({
  name: "mawps",
  description: "MAWPS: a collection of arithmetic problems in words",
  folders: ["mawps", "MAWPS"],
  authors: "github.com/sroy9/mawps",
  authorsColumns: {
    question: ["original_text", "sQuestion", "question"],
    answer: ["ans", "lSolutions", "answer"],
  },
});
