import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { lockResults } from "../inference/lock-results.ts";
import { runChild } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { elementAt } from "../util/elements.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

const child = new URL("testing/killed-main.ts", import.meta.url);
const examples = 7;

beforeAll(() => {
  writeTinyLlama(at("model"), { config: { max_position_embeddings: 512 } });
  mkdirSync(at("data", "boolq"), { recursive: true });
  const rows = Array.from({ length: examples }, (_, i) => ({
    instruction: `Please answer the following question with true or false, question: is ${i} ${"very ".repeat(i % 3)}even?\n\nAnswer format: true/false`,
    input: "",
    output: `the correct answer is ${i % 2 === 0}`,
    answer: String(i % 2 === 0),
  }));
  writeFileSync(at("data", "boolq", "test.json"), JSON.stringify(rows));
});

const line = z.looseObject({ index: z.int(), logLikelihoods: z.array(z.number()).optional() });
const linesOf = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((text) => line.parse(JSON.parse(text)))
    .sort((a, b) => a.index - b.index);
const report = z.object({ tasks: z.array(z.looseObject({ seconds: z.number(), reused: z.int() })) });

/** Changes before the first line: the lock, and the opening of the file. */
const changesBefore = 6;

/** The last change is the line that is cut. */
test.each([
  ["generate", 2],
  ["loglikelihood", 4],
])(
  "%s: killed in the middle of a line and run again, an evaluation ends as if nothing had been",
  async (mode, wholeLines) => {
    const args = (out: string) =>
      ["eval", at("model"), "--data", at("data"), "--tasks", "boolq", "--batch", "2"].concat([
        "--mode",
        mode,
        "--predictions",
        out,
        "--json",
      ]);
    const [killed, whole] = [scratch.fresh(`${mode}-killed`), scratch.fresh(`${mode}-whole`)];
    const { signal, stderr } = await runChild(child, String(changesBefore + wholeLines + 1), ...args(killed));
    expect({ signal, stderr }).toMatchObject({ signal: "SIGKILL" });
    const text = readFileSync(killed, "utf8");
    const before = text.slice(0, text.lastIndexOf("\n") + 1);
    expect(before.length).toBeLessThan(text.length);
    const done = before.split("\n").length - 1;
    const resumed = await runScalora(...args(killed));
    const straight = await runScalora(...args(whole));
    expect([resumed.code, straight.code]).toEqual([0, 0]);
    expect(readFileSync(killed, "utf8").startsWith(before)).toBe(true);
    const [found, expected] = [linesOf(killed), linesOf(whole)];
    expect(found.map(({ index }) => index)).toEqual(Array.from({ length: examples }, (_, i) => i));
    for (const [i, { logLikelihoods = [], ...rest }] of found.entries()) {
      const { logLikelihoods: values = [], ...same } = elementAt(expected, i);
      expect(rest).toEqual(same);
      expect(logLikelihoods).toHaveLength(mode === "loglikelihood" ? 2 : 0);
      expect(values).toHaveLength(logLikelihoods.length);
      for (const [k, value] of logLikelihoods.entries())
        expect(Math.abs(value - elementAt(values, k))).toBeLessThan(1e-5);
    }
    const { seconds: _, reused, ...scores } = elementAt(report.parse(JSON.parse(resumed.stdout)).tasks, 0);
    const {
      seconds: __,
      reused: none,
      ...same
    } = elementAt(report.parse(JSON.parse(straight.stdout)).tasks, 0);
    expect(scores).toEqual(same);
    expect([done, reused, none]).toEqual([wholeLines, wholeLines, 0]);
  },
  120_000,
);

test("a file that another evaluation writes into is refused, and its lines stay its own", async () => {
  const out = join(scratch.fresh("held"), "held.jsonl");
  mkdirSync(dirname(out));
  const args = ["eval", at("model"), "--data", at("data"), "--tasks", "boolq", "--predictions", out];
  {
    using _ = await lockResults(out, { onWait: () => {} });
    const { code, stderr } = await runScalora(...args);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("evaluating into this file"),
    });
    expect(stderr).toContain(out);
    expect(existsSync(out)).toBe(false);
  }
  writeFileSync(`${out}.${2 ** 22 + 1}.tmp`, "cut");
  expect((await runScalora(...args)).code).toBe(0);
  expect(linesOf(out)).toHaveLength(examples);
  expect(readdirSync(dirname(out))).toEqual(["held.jsonl"]);
});

test("an evaluation that fails before its first result leaves no file of results", async () => {
  const evaluate = (out: string) =>
    runScalora("eval", at("model"), "--data", at("model"), "--tasks", "boolq", "--predictions", out);
  const made = at("new", "results.jsonl");
  expect((await evaluate(made)).code).toBe(2);
  expect(existsSync(at("new"))).toBe(false);
  const existing = at("existing.jsonl");
  writeFileSync(existing, "");
  expect((await evaluate(existing)).code).toBe(2);
  expect(readFileSync(existing, "utf8")).toBe("");
});
