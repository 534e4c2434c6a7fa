import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listRuns } from "./list-runs.ts";
import { RunFolder } from "./run-folder.ts";
import type { RunState } from "./status.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-runs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("runs say where they stand, and one whose process is gone is interrupted", () => {
  const numbers = {
    step: 4,
    totalSteps: 9,
    loss: 1.5,
    bestEvalLoss: 2,
    evalLoss: 2,
    bestStep: 4,
    lr: 0,
    bestScore: 0.75,
  };
  const rest = {
    tokensPerSecond: null,
    memory: null,
    remaining: null,
    message: null,
    model: "m",
    method: "lora",
  };
  const make = (name: string, state: RunState) => {
    const run = RunFolder.create(join(folder, name), "x");
    run.writeStatus({ ...numbers, ...rest, state });
    run.close();
  };
  make("done", "finished");
  make("killed", "running");
  RunFolder.create(join(folder, "new"), "x").close();
  mkdirSync(join(folder, "no-run"));
  mkdirSync(join(folder, "quickstart"));
  make("quickstart/lora", "finished");
  for (const other of ["node_modules", "mlruns", "wandb"]) {
    mkdirSync(join(folder, other));
    make(`${other}/foreign`, "finished");
  }
  const runs = listRuns(folder);
  expect(runs.map(({ name, state }) => [name, state])).toEqual([
    ["done", "finished"],
    ["killed", "interrupted"],
    ["new", "unknown"],
    ["quickstart/lora", "finished"],
  ]);
  expect(runs[0]).toMatchObject({
    method: "lora",
    step: 4,
    totalSteps: 9,
    loss: 1.5,
    bestEvalLoss: 2,
    bestScore: 0.75,
  });
});
