import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { runProcess } from "./run-process.ts";
import { readTaskScores, scoreTasks } from "./score-tasks.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
let folder = "";
let runs = 0;
beforeEach(() => {
  folder = join(scratch.path, `run-${runs++}`);
  mkdirSync(join(folder, "checkpoints"), { recursive: true });
});

const scoring = { names: ["boolq", "piqa"], data: "tasks", limit: 3, beams: 4, seeds: [0] };
const never = new AbortController().signal;

/** Scores with a program in the place of `scalora`. */
const scoreWith = (script: string, signal = never) =>
  scoreTasks(
    folder,
    { ...scoring, render: "llm-adapters" },
    { command: [process.execPath, "-e", script, "--"], threads: 1 },
    { signal, run: runProcess },
  );

test("the main metric of each task is kept beside the run", async () => {
  const report = { tasks: [{ task: "boolq", metrics: [{ value: 0.25 }, { value: 1 }] }], render: "x" };
  expect(readTaskScores(folder)).toBeUndefined();
  expect(await scoreWith(`console.log('${JSON.stringify(report)}')`)).toEqual({ boolq: 0.25 });
  expect(readTaskScores(folder)).toEqual({ boolq: 0.25 });
  writeFileSync(join(folder, "tasks.json"), '{"boolq": "high"}');
  expect(readTaskScores(folder)).toBeUndefined();
});

test("the evaluation gets the plan's settings", async () => {
  const script = "console.error('error: ' + process.argv.slice(1).join(' ')); process.exit(1)";
  const options = `eval ${folder} --tasks boolq,piqa --json --data tasks --predictions ${join(folder, "tasks.jsonl")} --limit 3 --render llm-adapters --beams 4`;
  await expect(scoreWith(script)).rejects.toThrow(refusal("run", { where: folder, found: options }));
});

test.each(["console.log('no JSON')", 'console.log(\'{"tasks": [{"task": 1}]}\')', "process.exit(3)"])(
  "refused: %s",
  async (script) => {
    await expect(scoreWith(script)).rejects.toThrow(
      refusal("run", { where: folder, fix: /repeat the command/ }),
    );
    expect(readTaskScores(folder)).toBeUndefined();
  },
);

test("a run without checkpoints cannot be scored any more", async () => {
  folder = join(folder, "none");
  await expect(scoreWith("")).rejects.toThrow(refusal("run", { where: folder, fix: /remove that run/ }));
});

test("an evaluation that is interrupted ends with the signal's reason", async () => {
  const stop = new AbortController();
  const scored = scoreWith("setInterval(() => {}, 1000)", stop.signal);
  stop.abort(new Error("Ctrl-C"));
  await expect(scored).rejects.toThrow("Ctrl-C");
});
