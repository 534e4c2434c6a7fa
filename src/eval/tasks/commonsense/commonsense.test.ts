import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type FileRefusal, fileRefusal } from "../../../testing/refusal.ts";
import { sharedPath } from "../../../testing/shared-folder.ts";
import { temporaryFolder } from "../../../testing/tiny-run.ts";
import { elementAt } from "../../../util/elements.ts";
import { readTaskExamples } from "../read-task-examples.ts";
import { readTaskRow } from "../read-task-row.ts";
import type { TextTask } from "../task.ts";
import { textTasks } from "../text-tasks.ts";

function taskOf(name: string): TextTask {
  const task = textTasks.get(name);
  if (task === undefined) throw new Error(`no task ${name}`);
  return task;
}

const row = (instruction: string, answer: string) => ({
  instruction,
  input: "",
  output: `the correct answer is ${answer}`,
  answer,
});

/** A row of each set in its published form, the contexts and continuations that log-likelihood compares, the right one. */
const sets: [name: string, given: ReturnType<typeof row>, choices: [string, string][], right: number][] = [
  [
    "boolq",
    row(
      "Please answer the following question with true or false, question: is ice cold?\n\nAnswer format: true/false",
      "false",
    ),
    [
      ["Question: is ice cold?\nAnswer:", " yes"],
      ["Question: is ice cold?\nAnswer:", " no"],
    ],
    1,
  ],
  [
    "piqa",
    row(
      "Please choose the correct solution to the question: Keep ice.\n\nSolution1: Put it in a freezer.\n\nSolution2: Put it in the sun.\n\nAnswer format: solution1/solution2",
      "solution1",
    ),
    [
      ["Question: Keep ice.\nAnswer:", " Put it in a freezer."],
      ["Question: Keep ice.\nAnswer:", " Put it in the sun."],
    ],
    0,
  ],
  [
    "siqa",
    row(
      "Please choose the correct answer to the question: Jo fell. How does Jo feel?\n\nAnswer1: hurt Answer2: glad Answer3: like Answer1: no\n\nAnswer format: answer1/answer2/answer3",
      "answer3",
    ),
    [
      ["Q: Jo fell. How does Jo feel?\nA:", " hurt"],
      ["Q: Jo fell. How does Jo feel?\nA:", " glad"],
      ["Q: Jo fell. How does Jo feel?\nA:", " like Answer1: no"],
    ],
    2,
  ],
  [
    "hellaswag",
    row(
      "Please choose the correct ending to complete the given sentence: Ice: [header] How [title] A man  cuts\n\nEnding1: [step] a hole. Ending2: the sky. Ending3: tea. Ending4: air.\n\nAnswer format: ending1/ending2/ending3/ending4",
      "ending1",
    ),
    [
      ["Ice: How. A man cuts", "  a hole."],
      ["Ice: How. A man cuts", " the sky."],
      ["Ice: How. A man cuts", " tea."],
      ["Ice: How. A man cuts", " air."],
    ],
    0,
  ],
  [
    "winogrande",
    row(
      "Please choose the correct answer to fill in the blank to complete the given sentence: The ice fit the cup because the _ was small.\n\nOption1: ice Option2: cup\n\nAnswer format: option1/option2",
      "option1",
    ),
    [
      ["The ice fit the cup because the ice", " was small."],
      ["The ice fit the cup because the cup", " was small."],
    ],
    0,
  ],
  [
    "arc-c",
    row(
      "Please choose the correct answer to the question: What melts?\n\nAnswer1: ice Answer2: stone Answer3: \n\nAnswer format: answer1/answer2/answer3",
      "answer1",
    ),
    [
      ["Question: What melts?\nAnswer:", " ice"],
      ["Question: What melts?\nAnswer:", " stone"],
      ["Question: What melts?\nAnswer:", " "],
    ],
    0,
  ],
  [
    "arc-e",
    row(
      "Please choose the correct answer to the question: What melts?\n\nAnswer1: ice Answer2: stone Answer3: a Answer4: b Answer5: c\n\nAnswer format: answer1/answer2/answer3/answer4/answer5",
      "answer5",
    ),
    ["ice", "stone", "a", "b", "c"].map((text) => ["Question: What melts?\nAnswer:", ` ${text}`]),
    4,
  ],
  [
    "obqa",
    row(
      "Please choose the correct answer to the question: Ice is\n\nAnswer1: hot Answer2: cold Answer3: dry Answer4: red\n\nAnswer format: answer1/answer2/answer3/answer4",
      "answer2",
    ),
    ["hot", "cold", "dry", "red"].map((text) => ["Ice is", ` ${text}`]),
    1,
  ],
];

test.each(sets)("%s: the published row gives prompt, choices and answer", (name, given, choices, right) => {
  const example = readTaskRow(taskOf(name), given, "a:1");
  expect(example.message).toBe(given.instruction);
  expect(example.prompt).toBe(
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n" +
      `### Instruction:\n${given.instruction}\n\n### Response:\n`,
  );
  expect(example).toMatchObject({ completion: given.output, answer: given.answer, right });
  expect(example.choices?.map(({ context, continuation }) => [context, continuation])).toEqual(choices);
  expect(taskOf(name).scoreOutput(example.completion, example).scores).toEqual({ accuracy: 1 });
});

// LLM-Adapters' rule: the first of the set's words that stands in the output, letters as they are.
test.each([
  ["boolq", "The answer is not true but false.", "true"],
  ["boolq", "True", undefined],
  ["boolq", "untrue", "true"],
  ["boolq", "", undefined],
  ["piqa", "solution 1", undefined],
  ["piqa", "the correct answer is solution2.", "solution2"],
  ["piqa", "Solution1 or solution2", "solution2"],
  ["siqa", "answer4, or answer3", "answer3"],
  ["arc-c", "answer5answer1", "answer5"],
  ["arc-e", "answer12", "answer1"],
  ["hellaswag", "ending\nending4", "ending4"],
  ["winogrande", "option3 option1", "option1"],
  ["obqa", "answer1/answer2/answer3/answer4", "answer1"],
])("%s: the answer in %j is %s", (name, output, found) => {
  const [, given] = sets.find(([set]) => set === name) ?? elementAt(sets, 0);
  const task = taskOf(name);
  const example = readTaskRow(task, given, "a:1");
  expect(task.scoreOutput(output, example)).toEqual({
    answer: found,
    scores: { accuracy: found === example.answer ? 1 : 0 },
  });
});

test.each<[string, Record<string, unknown>, FileRefusal]>([
  [
    "boolq",
    elementAt(sets, 1)[1],
    {
      message: "an instruction of boolq",
      found: expect.stringContaining("Please choose the correct solution"),
    },
  ],
  [
    "piqa",
    elementAt(sets, 2)[1],
    { message: "an instruction of piqa", expected: expect.stringContaining("Solution1: ") },
  ],
  ["siqa", elementAt(sets, 6)[1], { message: "an instruction of siqa" }],
  [
    "obqa",
    { ...elementAt(sets, 7)[1], answer: "answer9" },
    { expected: "answer1, answer2, answer3, answer4", found: '"answer9"' },
  ],
  [
    "obqa",
    { instruction: elementAt(sets, 7)[1].instruction, output: "x" },
    {
      expected: "instruction + output + answer, or question_stem + choices + answerKey",
      found: "columns instruction, output",
    },
  ],
  [
    "obqa",
    { ...elementAt(sets, 7)[1], instruction: "Say something" },
    { message: "an instruction of obqa", found: '"Say something…"' },
  ],
])("%s refuses a row that is not its own: %#", (name, given, fields) => {
  expect(() => readTaskRow(taskOf(name), given, "rows:2")).toThrow(fileRefusal("data", "rows:2", fields));
});

test("the files of LLM-Adapters are JSON lists in folders of their own names", async () => {
  const { path } = temporaryFolder();
  mkdirSync(join(path, "social_i_qa"));
  writeFileSync(
    join(path, "social_i_qa", "test.json"),
    JSON.stringify([elementAt(sets, 2)[1], elementAt(sets, 2)[1]]),
  );
  const examples = await readTaskExamples(taskOf("siqa"), [path], { split: "test" });
  expect(examples.map(({ source }) => source.slice(path.length))).toEqual([
    "/social_i_qa/test.json:1",
    "/social_i_qa/test.json:2",
  ]);
});

const data = sharedPath("data", "commonsense");

test.skipIf(data === undefined)(
  "real commonsense files are read completely (needs ../shared/data)",
  async () => {
    const sizes: Record<string, number> = {};
    for (const name of ["boolq", "arc-e", "obqa"])
      for (const split of ["train", "test"] as const) {
        const examples = await readTaskExamples(taskOf(name), [data ?? ""], { split });
        sizes[`${name} ${split}`] = examples.length;
        for (const example of examples) {
          expect(
            taskOf(name).scoreOutput(example.completion, example).scores["accuracy"],
            example.source,
          ).toBe(1);
          expect(
            example.choices?.every(({ continuation }) => continuation.trim() !== ""),
            example.source,
          ).toBe(true);
        }
      }
    expect(sizes).toEqual({
      "boolq train": 9427,
      "boolq test": 3270,
      "arc-e train": 2251,
      "arc-e test": 2376,
      "obqa train": 4957,
      "obqa test": 500,
    });
  },
);
