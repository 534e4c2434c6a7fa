import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fileRefusal } from "../../testing/refusal.ts";
import { elementAt, required } from "../../util/elements.ts";
import { readTaskRow } from "./read-task-row.ts";
import type { Row, TextTask } from "./task.ts";
import { textTasks } from "./text-tasks.ts";

interface AdaptersRow extends Row {
  instruction: string;
  output: string;
  answer: string;
}

const published: {
  adapters: Record<string, AdaptersRow[]>;
  authors: Record<string, Row[]>;
  hub: Record<string, Row[]>;
} = JSON.parse(
  readFileSync(new URL("../../../test/golden/tasks/published-rows.json", import.meta.url), "utf8"),
);

const taskOf = (name: string): TextTask => required(textTasks.get(name), name);
const rowsOf = (of: Record<string, Row[]>) =>
  Object.entries(of).flatMap(([name, rows]) => rows.map((row) => [name, row] as const));
const commonsense = ["boolq", "piqa", "siqa", "hellaswag", "winogrande", "arc-e", "arc-c", "obqa"];

describe("rows of LLM-Adapters, word for word", () => {
  test.each(
    commonsense.flatMap((name) =>
      required(published.adapters[name], name).map((row) => [name, row] as const),
    ),
  )("%s: %j", (name, row) => {
    const example = readTaskRow(taskOf(name), row, "a:1");
    expect(example).toMatchObject({ message: row.instruction, completion: row.output, answer: row.answer });
    expect(taskOf(name).scoreOutput(row.output, example).scores).toEqual({ accuracy: 1 });
    expect(example.choices?.every(({ continuation }) => continuation.trim() !== "")).toBe(true);
  });

  test("a blank of WinoGrande is filled with each option, without the answer format", () => {
    const [row] = required(published.adapters["winogrande"], "winogrande");
    expect(readTaskRow(taskOf("winogrande"), required(row, "row"), "a:1").choices).toEqual([
      {
        context: "Sarah was a much better surgeon than Maria so Sarah",
        continuation: " always got the easier cases.",
      },
      {
        context: "Sarah was a much better surgeon than Maria so Maria",
        continuation: " always got the easier cases.",
      },
    ]);
  });

  const maths = ["svamp", "aqua", "addsub", "multiarith", "singleeq", "mawps"];
  test.each(
    maths.flatMap((name) => required(published.adapters[name], name).map((row) => [name, row] as const)),
  )("%s: %j", (name, row) => {
    const task = taskOf(name);
    const example = readTaskRow(task, row, "a:1");
    expect(example.message).toBe(row.instruction.trim());
    expect(example.prompt).toContain(`### Instruction:\n${row.instruction.trim()}\n\n### Response:\n`);
    expect(example.answer).toBe(name === "aqua" ? row.answer : String(Number(row.answer)));
    expect(task.scoreOutput(example.completion, example).scores["accuracy"]).toBe(1);
  });

  test("solutions that end in another answer are not shown as right", () => {
    const completions = (name: string) =>
      required(published.adapters[name], name).map((row) => readTaskRow(taskOf(name), row, "a:1").completion);
    expect(completions("multiarith")).toEqual([
      expect.stringMatching(/^A: Paul made .* The answer is 9 weeks\.$/),
      expect.stringMatching(/The answer is 5\.$/),
      "The answer is 6.",
    ]);
    expect(elementAt(completions("aqua"), 2)).toBe("The answer is (C).");
    expect(elementAt(completions("mawps"), 2)).toBe("The answer is -15.");
  });

  test.each(required(published.adapters["gsm8k"], "gsm8k"))("GSM8K reads %j", (row) => {
    const example = readTaskRow(taskOf("gsm8k"), row, "a:1");
    const answer = String(Number(row.answer));
    expect(example).toMatchObject({
      message: row.instruction,
      prompt: `Question: ${row.instruction}\nAnswer:`,
      answer,
    });
    expect(example.completion.endsWith(`#### ${answer}`)).toBe(true);
    expect(taskOf("gsm8k").scoreOutput(example.completion, example).scores).toEqual({
      flexible: 1,
      strict: 1,
    });
  });
});

describe("rows as the sets' authors and the hub lay them out", () => {
  test.each(rowsOf(published.hub))("%s: the row becomes that of LLM-Adapters: %j", (name, row) => {
    const same = required(published.adapters[name], name).map((given) =>
      readTaskRow(taskOf(name), given, "a:1"),
    );
    expect(same).toContainEqual(readTaskRow(taskOf(name), row, "a:1"));
  });

  test.each([
    ["boolq", { answer: null }],
    ["piqa", { label: -1 }],
    ["siqa", { label: "" }],
    ["hellaswag", { label: "" }],
    ["winogrande", { answer: "" }],
    ["arc-c", { answerKey: "" }],
    ["obqa", { answerKey: "" }],
  ])("%s: a row without its answer names the cure", (name, change) => {
    const [row] = required(published.hub[name], name);
    expect(() => readTaskRow(taskOf(name), { ...row, ...change }, "rows:4")).toThrow(
      fileRefusal("data", "rows:4", { fix: expect.stringContaining("validation") }),
    );
  });

  test.each(rowsOf(published.authors))("%s: %j", (name, row) => {
    const example = readTaskRow(taskOf(name), row, "a:1");
    expect(example.message).not.toMatch(/^\s|\s$/);
    expect(taskOf(name).scoreOutput(example.completion, example).scores["accuracy"]).toBe(1);
  });

  test("SVAMP joins scene and question, AQuA its options, as LLM-Adapters does", () => {
    const messageOf = (name: string) =>
      readTaskRow(taskOf(name), required(published.authors[name]?.[0], name), "a:1").message;
    expect(messageOf("svamp")).toBe(
      "Each pack of dvds costs 76 dollars. If there is a discount of 25 dollars on each pack. How much do you have to pay to buy each pack?",
    );
    expect(messageOf("aqua")).toMatch(
      /price of the item\? Answer Choices: \(A\) \$61 \(B\) \$65 .* \(E\) \$78\.20$/,
    );
  });
});

// LLM-Adapters' rules: the last number within 0.001; the first capital letter A to E.
test.each([
  ["svamp", "It is 1,040.", "1040", 1],
  ["svamp", "4 packs, or 5", "4", 0],
  ["mawps", "about 1.8333", "1.8333333333333335", 1],
  ["mawps", "-15", "-15", 1],
  ["addsub", "none", "9.8", 0],
])("%s: %j for %s scores %d", (name, output, answer, accuracy) => {
  const example = readTaskRow(taskOf(name), { instruction: "?", output: "", answer }, "a:1");
  expect(taskOf(name).scoreOutput(output, example).scores).toEqual({ accuracy });
});

test.each([
  ["The answer is (C).", "C", 1, 1],
  ["A: so x = 5. The answer is C", "C", 1, 0],
  ["Adding up: (B) or (C)", "C", 1, 0],
  ["C", "C", 1, 1],
  ["I can't say", undefined, 0, 0],
  ["So the answer is a 20% increase. Therefore (C).", "C", 1, 1],
  ["The answer is (C). I hope this answer a bit helps", "C", 1, 1],
  ["the answer is c.\nThat is all.", "C", 1, 0],
  ["answer: (c)", "C", 1, 0],
  ["the answer is c. Option A is too small.", "C", 1, 0],
  ["the answer is c, since A is too small", "C", 1, 0],
  ["answer is c!", "C", 1, 0],
  ["the answer is c</s>", "C", 1, 0],
])("aqua: %j names %s", (output, letter, accuracy, first) => {
  const example = readTaskRow(taskOf("aqua"), { instruction: "?", output: "", answer: "C" }, "a:1");
  const { answer, scores } = taskOf("aqua").scoreOutput(output, example);
  expect(answer).toBe(letter);
  expect(scores).toEqual({ accuracy, first_letter: first });
});

test.each([
  ["svamp", { instruction: "?", output: "", answer: "C" }],
  ["aqua", { instruction: "?", output: "", answer: "12" }],
  ["mawps", { text: "?" }],
  ["gsm8k", { instruction: "?", output: "", answer: "C" }],
])("%s refuses a row that is not its own: %j", (name, row) => {
  expect(() => readTaskRow(taskOf(name), row, "rows:2")).toThrow(fileRefusal("data", "rows:2", {}));
});
