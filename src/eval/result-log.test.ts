import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { type ExampleResult, ResultLog } from "./result-log.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const result = (index: number, key = `k${index}`): ExampleResult => ({
  task: "gsm8k",
  index,
  key,
  source: `test.jsonl:${index + 1}`,
  scores: { flexible: 1 },
  expected: "4",
  answer: "4",
  truncated: false,
});

test("results are found again, and a line that was cut short is done anew", () => {
  const path = join(scratch.path, "new", "folder", "results.jsonl");
  const log = new ResultLog(path);
  log.add(result(0));
  log.add(result(1));
  appendFileSync(path, JSON.stringify(result(2)).slice(0, 30));
  const again = new ResultLog(path);
  expect(again.find("gsm8k", 0, "k0")).toEqual(result(0));
  expect(again.find("gsm8k", 2, "k2")).toBeUndefined();
  expect(again.find("math", 0, "k0")).toBeUndefined();
  again.add(result(2));
  expect(readFileSync(path, "utf8")).toBe([0, 1, 2].map((i) => `${JSON.stringify(result(i))}\n`).join(""));
});

test("results of more than one piece of the file are found again", () => {
  const path = join(scratch.path, "long.jsonl");
  const long = (index: number) => ({ ...result(index), output: "ä".repeat(400_000) });
  const log = new ResultLog(path);
  for (const index of [0, 1, 2]) log.add(long(index));
  appendFileSync(path, JSON.stringify(long(3)));
  const again = new ResultLog(path);
  for (const index of [0, 1, 2]) expect(again.find("gsm8k", index, `k${index}`)).toEqual(long(index));
  expect(again.find("gsm8k", 3, "k3")).toBeUndefined();
  again.add(long(3));
  const whole = [0, 1, 2, 3].map((index) => `${JSON.stringify(long(index))}\n`).join("");
  expect(readFileSync(path, "utf8")).toBe(whole);
});

test("a revised result takes the place of the old one, among all others", () => {
  const path = join(scratch.path, "revised.jsonl");
  const log = new ResultLog(path);
  for (const index of [0, 1]) log.add(result(index));
  const better = { ...result(0), scores: { flexible: 0 } };
  log.replaceResults([better, result(1)]);
  log.add(result(2));
  const lines = [better, result(1), result(2)].map((one) => `${JSON.stringify(one)}\n`);
  expect(readFileSync(path, "utf8")).toBe(lines.join(""));
  expect(new ResultLog(path).find("gsm8k", 0, "k0")).toEqual(better);
});

test("a log without a file keeps nothing", () => {
  const log = new ResultLog();
  log.add(result(0));
  expect(log.find("gsm8k", 0, "k0")).toBeUndefined();
});

test("results of another model, other files and folders are refused", () => {
  const path = join(scratch.path, "results.jsonl");
  new ResultLog(path).add(result(0));
  expect(() => new ResultLog(path).find("gsm8k", 0, "other")).toThrow(
    refusal("usage", { where: path, found: "gsm8k example 1", fix: "--predictions" }),
  );
  writeFileSync(path, '{"question": "?"}\n');
  expect(() => new ResultLog(path)).toThrow(refusal("usage", { where: `${path}:1`, found: "question" }));
  writeFileSync(path, `${JSON.stringify(result(0))}\nnot JSON\n`);
  expect(() => new ResultLog(path)).toThrow(refusal("usage", { where: `${path}:2`, found: "not JSON" }));
  mkdirSync(join(scratch.path, "folder"));
  expect(() => new ResultLog(join(scratch.path, "folder"))).toThrow(
    refusal("usage", { where: /folder$/, found: "EISDIR" }),
  );
});

test("a file of something else in one line without a line feed is refused, and stays as it is", () => {
  const path = scratch.fresh("notes.json");
  for (const text of [
    '{"my": "data"}',
    "[1, 2, 3]",
    '{"tasks": []}',
    `${JSON.stringify(result(0))}\n{"my": 1}`,
  ]) {
    writeFileSync(path, text);
    expect(() => new ResultLog(path)).toThrow(
      refusal("usage", { where: path, found: text.slice(text.lastIndexOf("\n") + 1) }),
    );
    expect(readFileSync(path, "utf8")).toBe(text);
  }
});

test("a line that was cut within its first letters is done anew", () => {
  const path = scratch.fresh("short.jsonl");
  writeFileSync(path, '{"ta');
  new ResultLog(path).add(result(0));
  expect(readFileSync(path, "utf8")).toBe(`${JSON.stringify(result(0))}\n`);
});

test("a named pipe is refused, not waited for; an open one is written", () => {
  const where = join(scratch.path, "pipe");
  execFileSync("mkfifo", [where]);
  const expected = refusal("usage", { where, found: "a pipe, not a file", fix: /--predictions/ });
  expect(() => new ResultLog(where)).toThrow(expected);
  const module = JSON.stringify(new URL("result-log.ts", import.meta.url));
  const code = `const { ResultLog } = await import(${module}); new ResultLog("/dev/stdout").add({ index: 3 })`;
  const child = `${process.execPath} --input-type=module -e "$0" | cat`;
  expect(execFileSync("sh", ["-c", child, code], { encoding: "utf8" })).toBe('{"index":3}\n');
});

test("a file that cannot be made is an error with a cure, also where no folder can be", () => {
  const below = join(process.platform === "linux" ? "/proc/nowhere" : "/dev/null/nowhere", "results.jsonl");
  expect(() => new ResultLog(below)).toThrow(refusal("usage", { where: below, fix: "--predictions" }));
});
