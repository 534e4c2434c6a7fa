import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { writeTinySentimentProject } from "../testing/tiny-bert.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

/** Writes the tiny BERT with other settings. */
function writeBert(name: string, settings: object): void {
  cpSync(at("bert"), at(name), { recursive: true });
  const config = JSON.parse(readFileSync(at("bert", "config.json"), "utf8"));
  writeFileSync(at(name, "config.json"), JSON.stringify({ ...config, ...settings }));
}

beforeAll(() => {
  writeTinySentimentProject(scratch.path);
  const rows = readFileSync(at("test.jsonl"), "utf8");
  writeFileSync(at("numbers.jsonl"), rows.replaceAll('"blame"', "0").replaceAll('"praise"', "1.5"));
  writeBert("opinions", { id2label: { 0: "blame", 1: "praise" }, label2id: { blame: 0, praise: 1 } });
  writeBert("grades", { id2label: { 0: "LABEL_0" }, label2id: { LABEL_0: 0 } });
  writeTinyLlama(at("llama"), { config: { max_position_embeddings: 512 } });
});

const line = z.strictObject({
  task: z.string(),
  index: z.int(),
  key: z.string(),
  source: z.string(),
  scores: z.record(z.string(), z.number()),
  expected: z.string(),
  answer: z.string(),
});
const linesOf = (path: string) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((text) => line.parse(JSON.parse(text)));

test("a classifier's rows are written with class, label and score; a second time they stay", async () => {
  const [file, data] = [at("new", "classes.jsonl"), at("test.jsonl")];
  const args = ["eval", at("opinions"), "--data", data, "--predictions", file, "--json"];
  const { code, stdout } = await runScalora(...args);
  expect(code).toBe(0);
  const lines = linesOf(file);
  const gold = readFileSync(data, "utf8")
    .trim()
    .split("\n")
    .map((row) => JSON.parse(row).label);
  expect(lines.map(({ expected }) => expected)).toEqual(gold);
  expect(lines[3]).toMatchObject({ task: "classification", index: 3, source: `${data}:4` });
  const right = lines.filter(({ answer, expected }) => answer === expected);
  expect(right.length).toBe(lines.filter(({ scores }) => scores["accuracy"] === 1).length);
  expect(right.length / lines.length).toBeCloseTo(JSON.parse(stdout).accuracy, 12);
  const before = readFileSync(file, "utf8");
  await runScalora(...args);
  expect(readFileSync(file, "utf8")).toBe(before);
  expect(existsSync(at("new", ".classes.jsonl.lock"))).toBe(false);
});

test("a regression's rows are written with number and squared error", async () => {
  const [file, data] = [at("grades.jsonl"), at("numbers.jsonl")];
  const { code, stdout } = await runScalora("eval", at("grades"), "--data", data, "--out", file, "--json");
  expect(code).toBe(0);
  const lines = linesOf(file);
  const errors = lines.map(({ answer, expected }) => (Number(answer) - Number(expected)) ** 2);
  expect(lines.map(({ scores }) => scores["squaredError"])).toEqual(errors);
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  expect(mean).toBeCloseTo(JSON.parse(stdout).loss, 5);
});

test("files of other results, or of something else, and models without predictions are refused", async () => {
  const evaluate = (model: string, data: string, file: string) =>
    runScalora("eval", at(model), "--data", at(data), "--predictions", at(file));
  await evaluate("opinions", "test.jsonl", "kept.jsonl");
  const kept = readFileSync(at("kept.jsonl"), "utf8");
  const data = readFileSync(at("test.jsonl"), "utf8");
  const failing = [
    [
      await evaluate("opinions", "train.jsonl", "kept.jsonl"),
      { found: expect.stringContaining("another key") },
    ],
    [await evaluate("opinions", "test.jsonl", "test.jsonl"), { where: `${at("test.jsonl")}:1` }],
    [await evaluate("llama", "test.jsonl", "none.jsonl"), { fix: expect.stringContaining("--tasks") }],
    [await evaluate("opinions", "test.jsonl", "bert"), { where: at("bert") }],
  ] as const;
  for (const [result, fields] of failing)
    expect(printedFailure(result)).toMatchObject({ code: 2, ...fields });
  expect(readFileSync(at("kept.jsonl"), "utf8")).toBe(kept);
  expect(readFileSync(at("test.jsonl"), "utf8")).toBe(data);
  expect(existsSync(at("none.jsonl"))).toBe(false);
});

test("outputs of MATH in the file are scored again by what they mean", async () => {
  mkdirSync(at("data", "math"), { recursive: true });
  const row = { problem: "How much is $9/2$?", solution: "It is $\\boxed{\\frac{9}{2}\\text{ cm}}$." };
  writeFileSync(at("data", "math", "test.jsonl"), JSON.stringify(row));
  const file = at("math.jsonl");
  const args = ["eval", at("llama"), "--tasks", "math", "--data", at("data"), "--predictions", file];
  await runScalora(...args);
  const scoresOf = async (output: string) => {
    const result = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, `${JSON.stringify({ ...result, output })}\n`);
    await scaloraTasks(...args);
    return JSON.parse(readFileSync(file, "utf8")).scores;
  };
  expect(await scoresOf("so \\boxed{4.5}")).toEqual({ exact: 1, hendrycks: 0, minerva: 0 });
  expect(await scoresOf("so \\boxed{4.5\\text{ m}}")).toEqual({ exact: 0, hendrycks: 0, minerva: 0 });
});

async function scaloraTasks(...args: string[]): Promise<void> {
  const { code, stderr } = await runScalora(...args);
  expect(code, stderr).toBe(0);
}
