// A signal to one of two ranks that no launcher watches over: both stop, and end alike.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEvents } from "../run/read-events.ts";
import { readStatus } from "../run/status.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { areRunning, startTwoRanks } from "../testing/two-ranks.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => {
  writeTinyProject(scratch.path);
  const recipe = {
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "lora", rank: 2 },
    data: { train: at("train.jsonl"), eval: "none" },
    train: { steps: 100_000, batchSize: 4, lr: 1e-3 },
    run: { folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
  mkdirSync(at("data", "gsm8k"), { recursive: true });
  const row = (i: number) => JSON.stringify({ question: `${i}?`, answer: `#### ${i}` });
  writeFileSync(at("data", "gsm8k", "test.jsonl"), Array.from({ length: 2000 }, (_, i) => row(i)).join("\n"));
});

test("a training saves, and both end with the exit code of the signal", async () => {
  const run = scratch.fresh("runs", "stopped");
  const { ranks, ended } = await startTwoRanks(
    program,
    ...["train", at("recipe.yaml"), "--set", `run.name=${basename(run)}`],
  );
  while (!((readStatus(run)?.step ?? 0) > 0) && areRunning(ranks)) await sleep(20);
  ranks[1]?.kill("SIGTERM");
  const [first, second] = await ended;
  expect(second).toMatchObject({ end: 143, stdout: "", stderr: expect.not.stringContaining("error:") });
  expect(first?.end, first?.stderr).toBe(143);
  expect(readEvents(run).at(-1)).toMatchObject({
    type: "end",
    reason: "stopped",
    message: "asked by rank 1",
  });
}, 120_000);

test("of an evaluation the other one says why it stops, and ends with the exit code too", async () => {
  const tasks = ["--tasks", "gsm8k", "--data", at("data"), "--batch", "1"];
  const scores = scratch.fresh("scores.jsonl");
  const { ranks, ended } = await startTwoRanks(
    program,
    "eval",
    at("model"),
    ...tasks,
    "--predictions",
    scores,
  );
  const hasBegun = () => existsSync(scores) && readFileSync(scores).length > 0;
  while (!hasBegun() && areRunning(ranks)) await sleep(20);
  ranks[1]?.kill("SIGTERM");
  const [first, second] = await ended;
  expect(second).toMatchObject({ end: 143, stdout: "", stderr: expect.not.stringContaining("error:") });
  expect(first?.end, first?.stderr).toBe(143);
  expect(first?.stderr).toMatch(
    /error: Rank 1 was asked to stop; .*\n +where: +rank 1, process .*\n +found: +stopped by SIGTERM/,
  );
}, 120_000);
