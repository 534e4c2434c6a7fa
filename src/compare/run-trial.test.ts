import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { LostLockError } from "../util/process-lock.ts";
import { runProcess } from "./run-process.ts";
import { runTrial } from "./run-trial.ts";
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

test("the checkpoints of a trial go, but not those of a process that has taken the comparison over", async () => {
  const scratch = temporaryFolder();
  const candidate = { lr: 0.1, options: {} };
  const setting = { name: "lora", method: "lora", adapterOverrides: {}, candidates: [candidate] };
  const cell: Trial = { setting, candidate, seed: 0 };
  const run = join(scratch.path, trialName(cell));
  mkdirSync(run);
  writeFileSync(join(run, "config.yaml"), "");
  const program = join(scratch.path, "program.cjs");
  writeFileSync(
    program,
    `const fs = require("node:fs");
    fs.mkdirSync(${JSON.stringify(join(run, "checkpoints"))}, { recursive: true });
    fs.writeFileSync(${JSON.stringify(join(run, "status.json"))}, ${JSON.stringify(JSON.stringify(status))});`,
  );
  const trial = (assertHeld: () => void) => {
    const plan = { recipe: "r.yaml", set: [], runs: scratch.path, threads: undefined };
    const { signal } = new AbortController();
    return runTrial(
      cell,
      { ...plan, command: [process.execPath, program] },
      { signal, run: runProcess, assertHeld },
    );
  };
  const lost = trial(() => {
    throw new LostLockError("run", "lost");
  });
  await expect(lost).rejects.toThrow(LostLockError);
  expect(existsSync(join(run, "checkpoints"))).toBe(true);
  expect(await trial(() => {})).toMatchObject({ failed: "none" });
  expect(existsSync(join(run, "checkpoints"))).toBe(false);
  scratch.remove();
});
