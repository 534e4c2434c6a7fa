import { numberProblemTask } from "./number-problem-task.ts";

export const addSub = numberProblemTask({
  name: "addsub",
  description: "AddSub: sums and differences in words",
  folders: ["addsub", "AddSub"],
  authors: "github.com/sroy9/mawps",
  authorsColumns: { question: ["sQuestion", "question"], answer: ["lSolutions", "answer"] },
});
