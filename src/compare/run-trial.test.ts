import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { LostLockError } from "../util/locks/process-lock.ts";
import { runProcess } from "./run-process.ts";
import { readTrialResult, runTrial } from "./run-trial.ts";
import { type Trial, trialName } from "./trials.ts";

/** What a run comes to that fails at once, and leaves a checkpoint. */
const status = {
  state: "failed",
  method: "lora",
  model: "m",
  step: 0,
  totalSteps: 1,
  message: "none",
  loss: null,
  evalLoss: null,
  bestEvalLoss: null,
  bestStep: null,
  lr: null,
  tokensPerSecond: null,
  memory: null,
  remaining: null,
  process: { pid: 1, host: "h", startTime: null },
  startedAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
};

const scratch = temporaryFolder();
afterAll(scratch.remove);
const candidate = { lr: 0.1, options: {} };
const setting = { name: "lora", method: "lora", adapterOverrides: {}, candidates: [candidate] };
const cell: Trial = { setting, candidate, seed: 0 };

/** A trial whose process fails at once, and leaves a checkpoint and these fields in its end event. */
function failingTrial(end: object) {
  const runs = scratch.fresh("runs");
  const folder = join(runs, trialName(cell));
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: object) =>
    `require("node:fs").writeFileSync(${JSON.stringify(join(folder, name))}, ${JSON.stringify(`${JSON.stringify(content)}\n`)});`;
  const event = { type: "end", time: status.updatedAt, step: 0, reason: "failed", seconds: 1, ...end };
  const program = join(runs, "program.cjs");
  writeFileSync(program, [write("status.json", status), write("events.jsonl", event)].join("\n"));
  writeFileSync(join(folder, "config.yaml"), "");
  mkdirSync(join(folder, "checkpoints"));
  const plan = { recipe: "r.yaml", set: [], runs, threads: undefined, command: [process.execPath, program] };
  const { signal } = new AbortController();
  return {
    plan,
    hasCheckpoints: () => existsSync(join(folder, "checkpoints")),
    run: (assertHeld = () => {}) => runTrial(cell, plan, { signal, run: runProcess, assertHeld }),
  };
}

test("the checkpoints of a trial go, but not those of a process that has taken the comparison over", async () => {
  const { run, hasCheckpoints } = failingTrial({});
  const lost = run(() => {
    throw new LostLockError("run", "lost");
  });
  await expect(lost).rejects.toThrow(LostLockError);
  expect(hasCheckpoints()).toBe(true);
  expect(await run()).toMatchObject({ failed: "none" });
  expect(hasCheckpoints()).toBe(false);
});

test("a trial that failed for a file that is not there has failed", async () => {
  expect(await failingTrial({ systemError: "ENOENT" }).run()).toMatchObject({ failed: "none" });
});

test("a trial that met a full disk is no result of its method: the comparison stops, and it goes on later", async () => {
  const { run, plan, hasCheckpoints } = failingTrial({ systemError: "ENOSPC" });
  await expect(run()).rejects.toThrow(refusal("run", { fix: "repeat the command" }));
  expect(hasCheckpoints()).toBe(true);
  expect(readTrialResult(cell, plan)).toBeUndefined();
});
