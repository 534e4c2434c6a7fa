import { commonsenseTask, numbered, optionsAfter } from "./instruction.ts";

export const hellaswag = commonsenseTask({
  name: "hellaswag",
  description: "HellaSwag: how a scene goes on",
  folders: ["hellaswag", "HellaSwag"],
  opening: "Please choose the correct ending to complete the given sentence: ",
  option: "Ending",
  answers: numbered("ending", 4),
  choices: ({ question, options }) => optionsAfter(withoutMarks(question), options.map(withoutMarks)),
});

/** Takes out the marks of WikiHow, as lm-evaluation-harness does. */
function withoutMarks(text: string): string {
  return text
    .trim()
    .replaceAll(" [title]", ". ")
    .replaceAll(/\[.*?\]/g, "")
    .replaceAll("  ", " ");
}
