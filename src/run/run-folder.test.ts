import { execFileSync, spawn } from "node:child_process";
import fs, {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { requestControl } from "./control-command.ts";
import type { RunEvent } from "./events.ts";
import { lockNewRun, lockRun } from "./lock-run.ts";
import { readEvents } from "./read-events.ts";
import { RunFolder } from "./run-folder.ts";
import { isActive, type RunStatus, readStatus } from "./status.ts";

let parent = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "scalora-run-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const step = (number: number, loss = 1): RunEvent => ({
  type: "step",
  step: number,
  loss,
  lr: 0.1,
  gradNorm: 1,
  clipped: false,
  tokens: 10,
  labelTokens: 5,
  seconds: 0.5,
  memory: 1000,
});

const evaluation: RunEvent = {
  type: "eval",
  step: 0,
  loss: 2,
  labelTokens: 5,
  best: true,
  seconds: 0.5,
};

const status: RunStatus = {
  state: "running",
  method: "lora",
  model: "m",
  step: 3,
  totalSteps: 10,
  loss: 1.5,
  evalLoss: null,
  bestEvalLoss: null,
  bestStep: null,
  lr: 0.1,
  tokensPerSecond: 100,
  memory: 1000,
  remaining: 7,
  message: null,
};

function failure(action: () => unknown): ScaloraError {
  try {
    action();
  } catch (error) {
    if (error instanceof ScaloraError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("a new run holds its configuration, its status and its events", () => {
  const run = RunFolder.create(join(parent, "deep", "a"), "model: {}\n");
  run.append(step(1));
  run.append(step(2, Number.NaN));
  run.writeStatus(status);
  run.close();
  expect(readFileSync(run.file("config.yaml"), "utf8")).toBe("model: {}\n");
  const events = readEvents(run.path);
  expect(events.map((event) => event.step)).toEqual([1, 2]);
  expect(events[1]).toMatchObject({ loss: Number.NaN });
  expect(Date.parse(elementAt(events, 0).time)).not.toBeNaN();
  expect(readStatus(run.path)).toMatchObject({ ...status, process: { pid: process.pid } });
});

test("a run's folder that exists is refused and left alone", () => {
  mkdirSync(join(parent, "a"));
  writeFileSync(join(parent, "a", "note"), "mine");
  const error = failure(() => RunFolder.create(join(parent, "a"), ""));
  expect(error.exitCode).toBe(2);
  expect(error.message).toContain(join(parent, "a"));
  expect(error.message).toContain("a folder without a run");
  expect(readFileSync(join(parent, "a", "note"), "utf8")).toBe("mine");
});

test("a folder that cannot be written is a run error", () => {
  writeFileSync(join(parent, "file"), "");
  const error = failure(() => RunFolder.create(join(parent, "file", "run"), ""));
  expect(error.exitCode).toBe(1);
  expect(error.message).toContain("cannot be written");
  expect(error.message).toMatch(/EEXIST|ENOTDIR/);
});

test.skipIf(process.platform !== "linux")(
  "so is one on a file system that takes no folders (needs /proc)",
  () => {
    const error = failure(() => RunFolder.create("/proc/scalora/run", ""));
    expect(error.exitCode).toBe(1);
    expect(error.message).toContain("/proc/scalora/run");
  },
);

/** A start from the first step. */
const start: RunEvent = {
  type: "start",
  step: 0,
  totalSteps: 9,
  model: { path: "m", family: "llama", layers: 2, hiddenSize: 8, vocabSize: 99 },
  method: "lora",
  parameters: { trainable: 1, all: 2 },
  data: {},
  environment: {},
};

test("a run whose lock can no longer be read is released all the same, and the first cause told", () => {
  const path = join(parent, "a");
  const lock = lockNewRun(path);
  const [token = ""] = readdirSync(join(path, ".lock"));
  const file = join(path, ".lock", token);
  // Opening this fails with ELOOP, as it may with EIO or EACCES.
  rmSync(file);
  symlinkSync(token, file);
  const error = failure(() => RunFolder.create(path, "x", lock));
  expect([error.code, error.found]).toEqual(["run", expect.stringContaining("ELOOP")]);
  expect(existsSync(path)).toBe(false);
});

test("the lock that another host is making stays when a run is opened", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  run.close();
  const making = join(run.path, `.lock.7-00000000-0000-4000-8000-000000000000.${2 ** 22 + 1}.tmp`);
  mkdirSync(making);
  const holder = { pid: 7, host: "elsewhere", startTime: null, since: "2026-01-01T00:00:00.000Z" };
  writeFileSync(join(making, "token"), JSON.stringify(holder));
  RunFolder.open(run.path).close();
  expect(existsSync(join(making, "token"))).toBe(true);
});

test("a folder without a run is refused", () => {
  expect(failure(() => RunFolder.open(join(parent, "none"))).message).toContain("no folder");
  expect(failure(() => RunFolder.open(parent)).exitCode).toBe(2);
});

test("a resumed run ends a torn line and makes later events void", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  for (const number of [1, 2, 3]) run.append(step(number));
  run.close();
  appendFileSync(run.file("events.jsonl"), '{"time":"2026-01-01T00:00:00Z","type":"step","st');
  const again = RunFolder.open(run.path);
  again.append({ type: "resume", step: 2, checkpoint: "checkpoints/step-000002" });
  again.append(step(3, 7));
  again.close();
  const events = readEvents(run.path);
  expect(events.map((event) => [event.type, event.step])).toEqual([
    ["step", 1],
    ["step", 2],
    ["resume", 2],
    ["step", 3],
  ]);
  expect(events[3]).toMatchObject({ loss: 7 });
});

test("a run that starts again without a checkpoint makes what it trained void, but not its first sample and warnings", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  run.append(start);
  run.append({ type: "sample", step: 0, prompt: "a", output: "b" });
  run.append(evaluation);
  for (const number of [1, 2]) run.append(step(number));
  run.append({ type: "warning", step: 2, message: "late" });
  run.append({ type: "warning", step: 0, message: "the run has no checkpoint" });
  run.append(start);
  run.append(step(1, 7));
  run.close();
  const events = readEvents(run.path);
  expect(events.map((event) => [event.type, event.step])).toEqual([
    ["sample", 0],
    ["warning", 0],
    ["start", 0],
    ["step", 1],
  ]);
  expect(events[3]).toMatchObject({ loss: 7 });
});

test("a run that goes on from a checkpoint before its first step keeps what came before it", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  run.append(evaluation);
  run.append({ type: "resume", step: 0, checkpoint: "checkpoints/step-000000" });
  run.append(start);
  run.close();
  expect(readEvents(run.path).map(({ type }) => type)).toEqual(["eval", "resume", "start"]);
});

test("a run whose record is damaged is not gone on with", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  run.append(step(1));
  run.append({ type: "warning", step: 2, message: "m" });
  run.close();
  const text = readFileSync(run.file("events.jsonl"), "utf8").replace('"loss":1', '"loss":true');
  writeFileSync(run.file("events.jsonl"), text);
  const error = failure(() => RunFolder.open(run.path));
  expect(error).toMatchObject({
    code: "format",
    where: `${run.file("events.jsonl")}:2: step.loss`,
    found: "true",
  });
  expect(readFileSync(run.file("events.jsonl"), "utf8")).toBe(text);
});

test("a closed folder takes no events", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  run.close();
  run.close();
  expect(failure(() => run.append(step(1))).code).toBe("usage");
});

test("control.json is taken once, and what is no command is reported", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  expect(run.takeControl()).toEqual({});
  requestControl(run.path, "pause");
  expect(run.takeControl()).toEqual({ command: "pause" });
  expect(run.takeControl()).toEqual({});
  for (const text of ["", "{", "[]", '{"command":"explode"}', "null"]) {
    writeFileSync(run.file("control.json"), text);
    expect(run.takeControl()).toEqual({ warning: `control.json holds an unknown command: ${text}` });
  }
  writeFileSync(run.file("control.json"), '{"version":7,"command":"stop"}');
  const { command, warning } = run.takeControl();
  expect(command).toBeUndefined();
  expect(warning).toMatch(/newer scalora.*version 7, expected 1.*send the command with/);
  run.close();
});

test("a command that replaces another one just as that is taken is the one that counts, and is not lost", () => {
  using run = RunFolder.create(join(parent, "a"), "x");
  requestControl(run.path, "pause");
  const { renameSync } = fs;
  const restore = () => {
    Object.assign(fs, { renameSync });
    syncBuiltinESMExports();
  };
  const sendFirst = (from: string, to: string) => {
    restore();
    requestControl(run.path, "stop");
    renameSync(from, to);
  };
  Object.assign(fs, { renameSync: sendFirst });
  syncBuiltinESMExports();
  onTestFinished(restore);
  expect(run.takeControl()).toEqual({ command: "stop" });
  expect(run.takeControl()).toEqual({});
  expect(readdirSync(run.path).sort()).toEqual([".lock", "config.yaml", "events.jsonl"]);
});

test("a command to a run that is not there, or whose folder takes none, is an error that names it", () => {
  const nowhere = join(parent, "nowhere");
  expect(failure(() => requestControl(nowhere, "pause"))).toMatchObject({ code: "usage", where: nowhere });
  using run = RunFolder.create(join(parent, "a"), "x");
  mkdirSync(run.file("control.json"));
  expect(failure(() => requestControl(run.path, "pause"))).toMatchObject({
    code: "run",
    where: run.file("control.json"),
  });
});

test("a pipe or a folder as control.json is warned of once, neither waited for nor removed", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  const file = run.file("control.json");
  execFileSync("mkfifo", [file]);
  expect(run.takeControl()).toEqual({ warning: "control.json ignored: a pipe, not a file" });
  expect(run.takeControl()).toEqual({});
  rmSync(file);
  requestControl(run.path, "stop");
  expect(run.takeControl()).toEqual({ command: "stop" });
  mkdirSync(file);
  expect(run.takeControl()).toEqual({ warning: "control.json ignored: a folder, not a file" });
  run.close();
});

test("a run that is being resumed is refused with its last step, before the holder has written its own status", () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  run.writeStatus({ ...status, step: 7 });
  run.close();
  const file = run.file("status.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(`"pid": ${process.pid}`, '"pid": 4194305'));
  using _ = lockRun(run.path);
  expect(failure(() => lockRun(run.path)).message).toMatch(/since .*, resuming after step 7$/m);
});

test("a run that another living process trains is refused; a dead one's is not", async () => {
  const run = RunFolder.create(join(parent, "a"), "x");
  run.writeStatus(status);
  run.close();
  const recorded = readStatus(run.path);
  if (recorded === undefined) throw new Error("no status");
  expect(isActive(recorded)).toBe(false);
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
  const fields = elementAt(readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") "), 1).split(" ");
  const startTime = `${recorded.process.startTime?.split(" ")[0]} ${fields[19]}`;
  const other = { ...recorded, process: { ...recorded.process, pid: child.pid ?? 0, startTime } };
  writeFileSync(run.file("status.json"), JSON.stringify(other));
  const error = failure(() => RunFolder.open(run.path));
  expect(error.exitCode).toBe(2);
  expect(error.message).toContain(`process ${child.pid}, running at step 3`);
  child.kill();
  await new Promise((resolve) => child.once("exit", resolve));
  RunFolder.open(run.path).close();
});

test("a run that another process has taken over is written no more by the first one, which is told so", () => {
  const path = join(parent, "run");
  const first = RunFolder.create(path, "x");
  // As if this process had been suspended for so long that another one took the run for abandoned.
  for (const token of readdirSync(join(path, ".lock"))) rmSync(join(path, ".lock", token));
  using second = RunFolder.open(path);
  requestControl(path, "stop");
  const content = () => readdirSync(path).map((name) => [name, statSync(join(path, name)).size]);
  const before = content();
  const lost = {
    code: "run",
    where: path,
    found: expect.stringMatching(`^the lock of process ${process.pid}, `),
  };
  expect(failure(() => first.append(step(1)))).toMatchObject(lost);
  expect(failure(() => first.writeStatus(status))).toMatchObject(lost);
  expect(failure(() => first.takeControl())).toMatchObject(lost);
  first.close();
  expect(content()).toEqual(before);
  second.append(step(1));
  expect(second.takeControl()).toEqual({ command: "stop" });
});
