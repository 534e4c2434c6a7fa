import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChild } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { capitalRows } from "../testing/tiny-trained-run.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

const gsm8k = (i: number) => JSON.stringify({ question: `${i}+1?`, answer: `One more.\n#### ${i + 1}` });

beforeAll(() => {
  writeTinyLlama(at("model"), { config: { max_position_embeddings: 1024 } });
  writeFileSync(at("rows.jsonl"), capitalRows(700));
  mkdirSync(at("data", "gsm8k"), { recursive: true });
  writeFileSync(at("data", "gsm8k", "test.jsonl"), Array.from({ length: 5 }, (_, i) => gsm8k(i)).join("\n"));
});

/** What an evaluation prints, but for its time. */
async function scalora(...args: string[]) {
  const { code, stdout, stderr } = await runChild(program, ...args, "--json");
  expect(code, stderr).toBe(0);
  expect(stderr).not.toContain("[rank 1]");
  return JSON.parse(stdout, (key, value) => (key === "seconds" ? 0 : value));
}

const onRanks = (...args: string[]) => scalora("launch", "--nproc", "2", ...args);

function resultsIn(path: string): { index: number }[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line)).sort((a, b) => a.index - b.index);
}

test("several processes score the examples of a task, of which some are done", async () => {
  const tasks = ["eval", at("model"), "--tasks", "gsm8k", "--data", at("data"), "--batch", "1"];
  const [ofOne, ofTwo] = [scratch.fresh("alone.jsonl"), scratch.fresh("together.jsonl")];
  const alone = await scalora(...tasks, "--predictions", ofOne);
  await scalora(...tasks, "--predictions", ofTwo, "--limit", "2");
  const together = await onRanks(...tasks, "--predictions", ofTwo);
  expect(together).toEqual({ ...alone, tasks: [{ ...alone.tasks[0], reused: 2 }] });
  expect(resultsIn(ofTwo)).toEqual(resultsIn(ofOne));
}, 60_000);

test("several processes evaluate the rows of a file to the bit of one", async () => {
  const loss = ["eval", at("model"), "--data", at("rows.jsonl")];
  expect(await onRanks(...loss)).toEqual(await scalora(...loss));
}, 60_000);
