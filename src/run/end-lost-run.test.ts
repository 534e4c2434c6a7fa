import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { endLostRun } from "./end-lost-run.ts";
import { listRuns } from "./list-runs.ts";
import { lockNewRun, lockRun } from "./lock-run.ts";
import { RunFolder } from "./run-folder.ts";
import { type RunStatus, readStatus } from "./status.ts";

const scratch = temporaryFolder();
afterAll(() => scratch.remove());

const running: RunStatus = {
  state: "running",
  method: "lora",
  model: "model",
  step: 3,
  totalSteps: 9,
  loss: 1,
  evalLoss: null,
  bestEvalLoss: null,
  bestStep: null,
  lr: 1e-3,
  tokensPerSecond: null,
  memory: null,
  remaining: null,
  message: null,
};

test("a run whose thread is gone is released as failed, with what is known of it", () => {
  const path = join(scratch.path, "lost");
  const lost = RunFolder.create(path, "adapter: {method: lora}\n");
  lost.writeStatus(running);
  expect(() => lockRun(path)).toThrow(/^This process is already training this run/);
  expect(listRuns(scratch.path)).toMatchObject([{ name: "lost", state: "running" }]);
  endLostRun(path, "out of memory");
  expect(readStatus(path)).toMatchObject({ state: "failed", step: 3, message: "out of memory" });
  lockRun(path)[Symbol.dispose]();
  expect(lost.isHeld()).toBe(false);
  expect(listRuns(scratch.path)).toMatchObject([{ name: "lost", state: "failed" }]);
});

test("a run that has ended, and one that has not begun, are only released", () => {
  const ended = join(scratch.path, "ended");
  const folder = RunFolder.create(ended, "adapter: {method: lora}\n");
  folder.writeStatus({ ...running, state: "stopped" });
  endLostRun(ended, "out of memory");
  expect(readStatus(ended)?.state).toBe("stopped");
  const locked = join(scratch.path, "locked");
  lockNewRun(locked);
  endLostRun(locked, "out of memory");
  expect(readdirSync(locked)).toEqual([]);
});
