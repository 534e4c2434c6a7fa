import { expect, test } from "vitest";
import { scriptPrompt } from "../data/index.ts";
import { required } from "../util/elements.ts";
import { promptText } from "./prompts.ts";
import { textTasks } from "./tasks/index.ts";
import { readTaskRow } from "./tasks/read-task-row.ts";

const gsm8k = required(textTasks.get("gsm8k"), "gsm8k");
const example = readTaskRow(gsm8k, { question: "1+1?", answer: "#### 2" }, "a:1");
const options = { shots: [], template: undefined };

test("a task's own prompt, or its bare instruction in that of another project's scripts", () => {
  expect(promptText(gsm8k, example, options)).toBe("Question: 1+1?\nAnswer:");
  expect(promptText(gsm8k, example, { ...options, scriptPrompt: scriptPrompt("plain") })).toBe(
    "Question: 1+1?\nAnswer:",
  );
  expect(promptText(gsm8k, example, { ...options, scriptPrompt: scriptPrompt("metamath") })).toBe(
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n" +
      "### Instruction:\n1+1?\n\n### Response: Let's think step by step.",
  );
});

test("solved examples before it are put into the same prompt", () => {
  const text = promptText(gsm8k, example, {
    ...options,
    shots: [example],
    scriptPrompt: scriptPrompt("metamath"),
  });
  expect(text.split("### Response: Let's think step by step.")).toHaveLength(3);
  expect(text).toContain("step. #### 2\n\nBelow");
});
