import { asTexts, numberIn, textsOf } from "./authors-row.ts";
import { choicesAfterContext, commonsenseTask, numberedAnswers } from "./commonsense-task.ts";

export const hellaswag = commonsenseTask({
  name: "hellaswag",
  description: "HellaSwag: how a scene goes on",
  folders: ["hellaswag", "HellaSwag"],
  instructionPrefix: "Please choose the correct ending to complete the given sentence: ",
  optionLabel: "Ending",
  answers: numberedAnswers("ending", 4),
  authorsLayout: "activity_label + ctx_a + ctx_b + endings + label",
  readAuthorsRow: (row) => {
    const [texts, options] = [textsOf(row, "activity_label", "ctx_a", "ctx_b"), asTexts(row["endings"])];
    if (texts === undefined || options === undefined) return undefined;
    const [label, first, second = ""] = texts;
    const scene = `${first} ${second.slice(0, 1).toUpperCase()}${second.slice(1)}`;
    return { question: `${label}: ${scene.trimEnd()}`, options, right: numberIn(row["label"]) };
  },
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
