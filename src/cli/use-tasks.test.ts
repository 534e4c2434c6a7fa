import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

/** Rows of the published formats: of BoolQ as LLM-Adapters' JSON, of GSM8K as JSONL. */
function writeTaskData(): void {
  const question = (i: number) => `is ${i} ${i % 3 === 0 ? "odd" : "even"}?`;
  const boolq = (i: number) => ({
    instruction: `Please answer the following question with true or false, question: ${question(i)}\n\nAnswer format: true/false`,
    input: "",
    output: `the correct answer is ${i % 2 === 0}`,
    answer: String(i % 2 === 0),
  });
  const gsm8k = (i: number) => JSON.stringify({ question: `${i}+1?`, answer: `One more.\n#### ${i + 1}` });
  const rows = Array.from({ length: 5 }, (_, i) => i);
  for (const name of ["boolq", "gsm8k"]) mkdirSync(at("data", name), { recursive: true });
  writeFileSync(at("data", "boolq", "test.json"), JSON.stringify(rows.map(boolq)));
  writeFileSync(at("data", "boolq", "train.json"), JSON.stringify(rows.map((i) => boolq(i + 10))));
  writeFileSync(at("data", "gsm8k", "test.jsonl"), rows.map(gsm8k).join("\n"));
}

beforeAll(() => {
  writeTaskData();
  writeTinyProject(scratch.path);
  const config = { max_position_embeddings: 2048 };
  writeTinyLlama(at("long"), { config });
  writeTinyLlama(at("silent"), { config, chat: false });
});

const scalora = (...args: string[]) => runScalora("eval", ...args, "--data", at("data"));

test("tasks are scored, examples logged, and a rerun does only what is missing", async () => {
  const out = at("results.jsonl");
  await scalora(at("long"), "--tasks", "boolq", "--limit", "1", "--predictions", out);
  const before = liveTensorCount();
  const some = await scalora(
    at("long"),
    "--tasks",
    "boolq,gsm8k",
    "--limit",
    "3",
    "--predictions",
    out,
    "--json",
  );
  expect(some.code).toBe(0);
  const report = JSON.parse(some.stdout);
  expect(report).toMatchObject({ render: "plain", shots: 0 });
  expect(report.tasks).toMatchObject([
    { task: "boolq", mode: "generate", examples: 3, reused: 1 },
    { task: "gsm8k", mode: "generate", examples: 3, reused: 0 },
  ]);
  const again = await scalora(at("long"), "--tasks", "gsm8k", "--predictions", out, "--batch", "2");
  expect(again.stdout).toMatch(/gsm8k +5 +flexible +\d+\.\d %/);
  expect(again.stderr).toContain("3 done before");
  expect(again.stderr).toContain("gsm8k: 5 of 5 examples");
  expect(readFileSync(out, "utf8").trim().split("\n")).toHaveLength(3 + 5);
  expect(liveTensorCount()).toBe(before);
  const other = await scalora(at("silent"), "--tasks", "gsm8k", "--predictions", out, "--beams", "2");
  expect([other.code, other.stdout]).toEqual([2, ""]);
  expect(other.stderr).toContain("another model, other settings");
});

test("choices are written in the words of the reference, equal to it where acc counts them as right", async () => {
  mkdirSync(at("data", "arc-e"), { recursive: true });
  const arc = (right: number) => ({
    instruction:
      "Please choose the correct answer to the question: What do plants take in?\n\nAnswer1: carbon dioxide Answer2: sand\n\nAnswer format: answer1/answer2",
    output: `the correct answer is answer${right}`,
    answer: `answer${right}`,
  });
  writeFileSync(at("data", "arc-e", "test.json"), JSON.stringify([arc(1), arc(2)]));
  const out = at("choices.jsonl");
  const flags = ["--tasks", "boolq,arc-e", "--mode", "loglikelihood", "--predictions", out];
  expect(await scalora(at("long"), ...flags)).toMatchObject({ code: 0 });
  const lines = readFileSync(out, "utf8").trim().split("\n");
  const results = lines.map((line) => JSON.parse(line));
  expect(results).toHaveLength(7);
  for (const { task, answer, expected, scores } of results) {
    expect(task === "boolq" ? ["true", "false"] : ["answer1", "answer2"]).toContain(answer);
    expect(answer === expected).toBe(scores.acc === 1);
  }
});

test("choices by log-likelihood, after solved examples; chat prompts", async () => {
  const flags = ["--tasks", "boolq", "--shots", "2"];
  const chosen = await scalora(at("long"), ...flags, "--mode", "loglikelihood", "--json");
  expect(JSON.parse(chosen.stdout)).toMatchObject({
    shots: 2,
    tasks: [
      {
        mode: "loglikelihood",
        metrics: [{ metric: "acc" }, { metric: "acc_norm" }, { metric: "acc_bytes" }],
      },
    ],
  });
  const chat = await scalora(at("long"), ...flags, "--render", "chat", "--limit", "2", "--json");
  expect(JSON.parse(chat.stdout)).toMatchObject({ render: "chat", tasks: [{ examples: 2 }] });
});

test("a prompt of another project's scripts is another evaluation", async () => {
  const out = at("metamath.jsonl");
  const flags = ["--tasks", "gsm8k", "--limit", "2", "--predictions", out];
  const first = await scalora(at("long"), ...flags, "--render", "metamath", "--json");
  expect(JSON.parse(first.stdout)).toMatchObject({ render: "metamath", tasks: [{ examples: 2, reused: 0 }] });
  const plain = await scalora(at("long"), ...flags);
  expect([plain.code, plain.stderr]).toEqual([2, expect.stringContaining("other settings")]);
});

test("a run is scored with its adapter, prompts as it was trained; short contexts cut prompts and say so", async () => {
  const run = await trainTiny(scratch.path, "lora");
  const { code, stdout, stderr } = await scalora(run, "--tasks", "boolq", "--limit", "2");
  expect([code, stdout.split("\n").length]).toEqual([0, 3]);
  expect(stderr).toContain("boolq: generate, plain prompts, 0 shots");
  expect(stderr).toMatch(/^checkpoint: step-\d+ \(best\)$/m);
  expect(stderr).toContain("2 prompts truncated on the left to fit the context");
});

test("a file of results that cannot be used is refused before any data is read", async () => {
  const result = await scalora(at("silent"), "--tasks", "piqa", "--out", at("data"));
  expect(printedFailure(result)).toMatchObject({
    code: 2,
    where: at("data"),
    found: expect.stringContaining("EISDIR"),
  });
});

test("a signal ends an evaluation that reads its data", async () => {
  mkdirSync(at("data", "siqa"), { recursive: true });
  // The last row would be refused.
  const row = {
    instruction: "a question\n\nAnswer format: answer1/answer2/answer3",
    output: "",
    answer: "answer1",
  };
  const rows = Array.from({ length: 3000 }, () => JSON.stringify(row)).join("\n");
  writeFileSync(at("data", "siqa", "test.jsonl"), `${rows}\n{}`);
  const listeners = process.listenerCount("SIGINT");
  let isOver = false;
  const ended = scalora(at("silent"), "--tasks", "siqa").finally(() => {
    isOver = true;
  });
  while (!isOver && process.listenerCount("SIGINT") === listeners) await setImmediate();
  process.emit("SIGINT");
  expect(await ended).toMatchObject({ code: 130, stdout: "" });
});

/** Scores a file of one row on a task, with these names of columns. */
async function scoreFile(task: string, row: object, ...columns: string[]) {
  const file = at("problems.jsonl");
  writeFileSync(file, `${JSON.stringify(row)}\n`);
  const args = ["--tasks", task, "--data", file, ...columns];
  return { file, ...(await runScalora("eval", at("long"), ...args)) };
}

test.each([
  ["gsm8k", { text: "1+1?", result: "#### 2" }, "question=text,answer=result", /^gsm8k +1 +flexible/m],
  ["math", { text: "1+1?", result: "2" }, "problem=text,answer=result", /^math +1 +exact/m],
])("any file of %s, with columns of other names", async (task, row, columns, shown) => {
  const { file, code, stdout, stderr } = await scoreFile(task, row, "--columns", columns);
  expect([code, stdout]).toEqual([0, expect.stringMatching(shown)]);
  expect(stderr).toContain(`rows of ${file}`);
});

test("a file without the columns of its task is refused with those that it may have, and its own", async () => {
  const { file, ...failed } = await scoreFile("boolq", { id: 1, text: "?" });
  expect(printedFailure(failed)).toMatchObject({
    code: 2,
    where: `${file}:1`,
    expected: "instruction + output + answer, or question + passage + answer",
    found: "columns id, text",
  });
});

test("a set of several files is named by its folder", async () => {
  for (const subject of ["algebra", "geometry"]) {
    mkdirSync(at("data", "math", "test", subject), { recursive: true });
    const problem = { problem: "1+1?", solution: "\\boxed{2}" };
    writeFileSync(at("data", "math", "test", subject, "1.json"), JSON.stringify(problem));
  }
  const { stdout } = await scalora(at("long"), "--tasks", "math,boolq", "--limit", "2", "--json");
  expect(JSON.parse(stdout).tasks).toMatchObject([
    { task: "math", data: at("data", "math", "test") },
    { task: "boolq", data: at("data", "boolq", "test.json") },
  ]);
});

test.each([
  [
    ["--tasks", "cola"],
    { fix: "`npx scalora eval MODEL --data CoLA/dev.tsv --format cola` evaluates on it" },
  ],
  [["--tasks", "gsm8k", "--columns", "questoin=a"], { fix: 'did you mean "question"?' }],
  [["--tasks", "gsm8"], { fix: 'did you mean "gsm8k"?' }],
  [
    ["--tasks", "piqa"],
    {
      expected: expect.stringContaining("piqa or PIQA / test "),
      fix: expect.stringContaining("LLM-Adapters"),
    },
  ],
  [["--tasks", "gsm8k", "--shots", "1"], { expected: expect.stringContaining("/ train .jsonl") }],
  [["--tasks", "boolq", "--shots", "6"], { expected: "6 rows", found: "5" }],
  [["--tasks", "gsm8k", "--mode", "loglikelihood"], { fix: expect.stringContaining("--mode generate") }],
  [
    ["--tasks", "boolq", "--mode", "loglikelihood", "--render", "chat"],
    { fix: expect.stringContaining("mode generate only") },
  ],
  [["--tasks", "boolq", "--render", "chat"], { fix: expect.stringContaining("--render plain") }],
])("refused: %j", async (args, fields) => {
  const result = await scalora(at("silent"), ...args);
  expect(result.stdout).toBe("");
  expect(printedFailure(result)).toMatchObject({ code: 2, ...fields });
});

test("shots that are the evaluated rows are refused: their answers would be in the prompt", async () => {
  for (const name of ["train.json", "rows.json"]) {
    const file = at("alone", name);
    mkdirSync(at("alone"), { recursive: true });
    copyFileSync(at("data", "boolq", "test.json"), file);
    const args = ["--tasks", "boolq", "--data", file, "--shots", "2"];
    const result = await runScalora("eval", at("silent"), ...args);
    const says =
      name === "train.json"
        ? { message: "The shots of boolq are rows that are evaluated", where: `${file}:1` }
        : { expected: expect.stringContaining("/ train .") };
    expect(printedFailure(result)).toMatchObject({ code: 2, ...says });
  }
});
