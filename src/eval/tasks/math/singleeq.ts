import { numberProblemTask } from "./number-problem-task.ts";

export const singleEq = numberProblemTask({
  name: "singleeq",
  description: "SingleEq: problems of one equation in words",
  folders: ["singleeq", "SingleEq"],
  authors: "github.com/sroy9/mawps",
  authorsColumns: { question: ["sQuestion", "question"], answer: ["lSolutions", "answer"] },
});
