import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const hellaswag = commonsenseTask({
  name: "hellaswag",
  description: "HellaSwag: how a scene goes on",
  folders: ["hellaswag", "HellaSwag"],
  instructionPrefix: "Please choose the correct ending to complete the given sentence: ",
  optionLabel: "Ending",
  answers: numberedAnswers("ending", 4),
  choices: ({ question, options }) => choicesAfterContext(withoutMarks(question), options.map(withoutMarks)),
});

/** Removes WikiHow's marks, as lm-evaluation-harness does. */
function withoutMarks(text: string): string {
  return text
    .trim()
    .replaceAll(" [title]", ". ")
    .replaceAll(/\[.*?\]/g, "")
    .replaceAll("  ", " ");
}
