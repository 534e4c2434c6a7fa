import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type FileRefusal, fileRefusal } from "../../../testing/refusal.ts";
import { sharedPath } from "../../../testing/shared-folder.ts";
import { temporaryFolder } from "../../../testing/tiny-run.ts";
import { readTaskExamples } from "../read-task-examples.ts";
import { readTaskRow } from "../read-task-row.ts";
import type { TaskExample, TextTask } from "../task.ts";
import { gsm8k } from "./gsm8k.ts";
import { isEquivalent } from "./latex-equivalence.ts";
import { boxedAnswer, math } from "./math.ts";
import { normalizeMinervaAnswer } from "./minerva-answer.ts";

interface Golden {
  pairs: { a: string; b: string; equivalent: boolean; normal: [string, string] }[];
  solutions: { solution: string; boxed: string | null }[];
  math: { output: string; answer: string; hendrycks: number; minerva: number }[];
  gsm8k: { output: string; answer: string; strict: number; flexible: number }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL("../../../../test/golden/answers.json", import.meta.url), "utf8"),
);

const mathExample = (answer: string) =>
  readTaskRow(math, { problem: "?", solution: `\\boxed{${answer}}` }, "a:1");

test.each(golden.pairs)(
  "$a and $b: equivalence and normal form are lm-evaluation-harness'",
  ({ a, b, ...expected }) => {
    expect(isEquivalent(a, b)).toBe(expected.equivalent);
    expect([normalizeMinervaAnswer(a), normalizeMinervaAnswer(b)]).toEqual(expected.normal);
  },
);

test("the boxed answer of a solution is lm-evaluation-harness', and a framed one is taken too", () => {
  for (const { solution, boxed } of golden.solutions)
    expect(boxedAnswer(solution), solution).toBe(boxed === "refused" ? "9" : (boxed ?? undefined));
});

test.each(golden.math)(
  "$output for $answer: scores are lm-evaluation-harness'",
  ({ output, answer, ...expected }) => {
    expect(math.scoreOutput(output, mathExample(answer)).scores).toMatchObject(expected);
  },
);

test.each([
  ["The area is $6$, so \\boxed{\\frac12}.", "\\frac{1}{2}", 1, "\\frac12"],
  ["\\boxed{10\\text{ cm}}", "10", 1, "10\\text{ cm}"],
  ["\\boxed{10 cm}", "10", 1, "10 cm"],
  ["\\boxed{1} no, \\boxed{2}", "1", 0, "2"],
  ["\\boxed{1} so again \\boxed{1", "1", 1, "1"],
  ["\\boxed{1} no, \\boxed{\\frac{1}{2}. Then", "1", 1, "1"],
  ["\\fbox{3}, \\boxed{1", "3", 1, "3"],
  ["\\boxed{1} then \\boxed{\\left\\{x,y\\right.}", "1", 0, "\\left\\{x,y\\right."],
  ["\\boxed{1} then \\boxed{\\left.2\\right\\}}", "1", 0, "\\left.2\\right\\}"],
  ["\\boxed{1\\\\{2}} then \\boxed{", "1", 0, "1\\\\{2}"],
  ["\\\\boxed{1}", "1", 1, "1"],
  ["with $x=3$ we have \\boxed{\\text{so", "3", 1, "x=3"],
  ["Final Answer: The final answer is $7$. I hope it is correct.", "7", 1, "7"],
  ["so the answer is $x = 7$", "7", 1, "x = 7"],
  ["We have $a=2$ and $b=3$.\nThe answer is: 6", "6", 1, "6"],
  ["The answer is: 5 No.\nThe answer is: $\\frac12$.", "\\frac{1}{2}", 1, "\\frac12"],
  ["The answer is: \\$5", "\\$5", 1, "\\$5"],
  ["The answer is: $\\$5$.", "5", 1, "\\$5"],
  ["Final Answer: The final answer is $\\$5$. I hope it is correct.", "\\$5", 1, "\\$5"],
  ["I do not know", "7", 0, undefined],
])("%s for %s: exact is %d", (output, answer, exact, found) => {
  expect(math.scoreOutput(output, mathExample(answer))).toMatchObject({ answer: found, scores: { exact } });
});

test.each(golden.gsm8k)(
  "$output for $answer: scores are lm-evaluation-harness'",
  ({ output, answer, ...expected }) => {
    const example = readTaskRow(gsm8k, { question: "?", answer }, "a:1");
    expect(gsm8k.scoreOutput(output, example).scores).toEqual(expected);
  },
);

test.each([
  ["dollar signs", "$".repeat(100_000)],
  ["dollar signs and braces", "$ ".repeat(50_000) + "{".repeat(50_000)],
  ["boxes that never end", "\\boxed{".repeat(50_000)],
  ["boxes without braces", "\\boxed".repeat(50_000)],
  ["sentences", "The answer is: ".repeat(20_000)],
  [
    "Minerva's sentence without end",
    `Final Answer: The final answer is ${"a ".repeat(50_000)}. I hope it is correct.`,
  ],
])("an output of 100,000 %s is scored, and within the time of a test", (_, output) => {
  expect(
    math.scoreOutput(output, { source: "a", prompt: "", message: "", completion: "", answer: "5" }).scores,
  ).toEqual({
    exact: 0,
    hendrycks: 0,
    minerva: 0,
  });
});

test("prompts are those of lm-evaluation-harness, and completions follow them", () => {
  const row = { question: "2+2?", answer: "2+2=<<2+2=4>>4\n#### 4" };
  expect(readTaskRow(gsm8k, row, "a:1")).toEqual({
    source: "a:1",
    prompt: "Question: 2+2?\nAnswer:",
    message: "2+2?",
    completion: " 2+2=<<2+2=4>>4\n#### 4",
    answer: "4",
  });
  const { prompt, completion } = readTaskRow(
    math,
    { problem: "$1+1$?", solution: "It is $\\boxed{2}$." },
    "a:1",
  );
  expect(prompt).toBe("Problem:\n$1+1$?\n\nSolution:");
  expect(completion).toBe(
    " It is $\\boxed{2}$.\nFinal Answer: The final answer is $2$. I hope it is correct.",
  );
});

test.each<[TextTask, Record<string, unknown>, FileRefusal]>([
  [gsm8k, { question: "?", answer: "4" }, { expected: expect.stringContaining("####"), found: '"4"' }],
  [
    gsm8k,
    { question: "?" },
    { expected: "question + answer, or instruction + output + answer", found: "columns question" },
  ],
  [math, { problem: "?", solution: "4" }, { expected: expect.stringContaining("\\boxed"), found: '"4"' }],
  [
    math,
    { question: "?", answer: "#### 4" },
    { expected: "problem + solution, or problem + answer", found: "columns question, answer" },
  ],
  [math, { problem: "?", answer: null }, { message: "no text in the column answer", found: "null" }],
  [math, { problem: "?", answer: "" }, { message: "no text in the column answer", found: '""' }],
  [
    math,
    { problem: "?", solution: null, answer: null },
    { message: "no text in the column solution", found: "null" },
  ],
  [math, { problem: " ", answer: "4" }, { message: "no text in the column problem", found: '" "' }],
])("a row that is not of the task is refused: %#", (task, row, fields) => {
  expect(() => readTaskRow(task, row, "rows:3")).toThrow(fileRefusal("data", "rows:3", fields));
});

/** A folder with these files. */
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const { path } = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), JSON.stringify(content, undefined, 2));
  }
  return path;
}

test("MATH as its authors publish it: a file a problem, by subject; and MATH-500's answers", async () => {
  const problem = (n: number) => ({
    problem: `${n}?`,
    level: "Level 1",
    type: "Algebra",
    solution: `\\boxed{${n}}`,
  });
  const folder = folderOf({
    "MATH/test/algebra/10.json": problem(10),
    "MATH/test/algebra/2.json": problem(2),
    "MATH/test/geometry/1.json": problem(1),
    "MATH/train/algebra/5.json": problem(5),
  });
  const answers = (examples: TaskExample[]) => examples.map(({ answer }) => answer);
  expect(answers(await readTaskExamples(math, [folder], { split: "test" }))).toEqual(["2", "10", "1"]);
  expect(answers(await readTaskExamples(math, [join(folder, "MATH")], { split: "train" }))).toEqual(["5"]);
  expect(answers(await readTaskExamples(math, [folder], { split: "test", limit: 2 }))).toEqual(["2", "10"]);
  const hub = folderOf({
    "math/test.json": [{ problem: "?", solution: "so", answer: "\\pi", unique_id: "test/1" }],
  });
  expect(answers(await readTaskExamples(math, [hub], { split: "test" }))).toEqual(["\\pi"]);
  await expect(readTaskExamples(gsm8k, [folder], { split: "test" })).rejects.toThrow(
    fileRefusal("usage", folder, { message: "gsm8k", fix: expect.stringContaining("openai") }),
  );
});

const data = sharedPath("data", "math");

test.skipIf(data === undefined)(
  "GSM8K is read completely, and its solutions are right (needs ../shared/data)",
  async () => {
    const sizes: number[] = [];
    for (const split of ["train", "test"] as const) {
      const examples = await readTaskExamples(gsm8k, [data ?? ""], { split });
      sizes.push(examples.length);
      for (const example of examples)
        expect(gsm8k.scoreOutput(example.completion, example).scores, example.source).toEqual({
          flexible: 1,
          strict: 1,
        });
    }
    expect(sizes).toEqual([7473, 1319]);
  },
);
