import { numberProblemTask } from "./number-problem-task.ts";

export const multiArith = numberProblemTask({
  name: "multiarith",
  description: "MultiArith: problems of two operations in words",
  folders: ["multiarith", "MultiArith"],
  authors: "ChilleD/MultiArith of the Hugging Face hub",
  authorsColumns: { question: ["sQuestion", "question"], answer: ["lSolutions", "final_ans", "answer"] },
});
