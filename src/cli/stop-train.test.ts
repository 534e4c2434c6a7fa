import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { listRuns } from "../run/list-runs.ts";
import { readEvents } from "../run/read-events.ts";
import { readStatus } from "../run/status.ts";
import { runChild, runsTypeScript } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { ProcessLock } from "../util/locks/process-lock.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const program = new URL("testing/run-main.ts", import.meta.url);
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  scratch.remove();
});
beforeAll(() => {
  writeTinyLlama(at("model"));
  writeFileSync(at("rows.jsonl"), '{"text": "a few words"}\n'.repeat(8));
  writeFileSync(
    at("recipe.yaml"),
    stringify({
      model: { path: at("model"), device: "cpu" },
      adapter: { method: "lora", rank: 2, targetModules: "all-linear" },
      data: { train: at("rows.jsonl"), eval: "none" },
      train: { steps: 1_000_000, batchSize: 2 },
      run: { folder: at("runs"), samples: 0 },
    }),
  );
});

/** Starts `scalora train` of a run that is not there yet. */
function start(name: string, ...set: string[]) {
  const folder = scratch.fresh("runs", name);
  const overrides = [`run.name=${basename(folder)}`, ...set].flatMap((each) => ["--set", each]);
  const child = spawn(process.execPath, [
    ...runsTypeScript,
    fileURLToPath(program),
    "train",
    at("recipe.yaml"),
    ...overrides,
  ]);
  children.push(child);
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return { child, ended, folder, stderr: () => stderr };
}

/** Starts `scalora train` and waits until it trains. */
async function startTraining(name: string, ...set: string[]) {
  const { child, ended, folder, stderr } = start(name, ...set);
  const hasSteps = () => (readStatus(folder)?.step ?? 0) > 0;
  while (!hasSteps() && child.exitCode === null && child.signalCode === null) await sleep(20);
  expect(hasSteps(), stderr()).toBe(true);
  return { child, ended, folder };
}

/** What a run that was stopped must look like. */
function expectStopped(folder: string, message: string | RegExp): void {
  const status = readStatus(folder) ?? expect.fail("no status");
  expect(status).toMatchObject({ state: "stopped", message: expect.stringMatching(message) });
  expect(readEvents(folder).at(-1)).toMatchObject({ type: "end", reason: "stopped", step: status.step });
  const checkpoint = `checkpoints/step-${String(status.step).padStart(6, "0")}/manifest.json`;
  expect(existsSync(join(folder, checkpoint))).toBe(true);
  expect(existsSync(join(folder, ".lock"))).toBe(false);
}

test.concurrent.each([
  ["SIGHUP", ["SIGHUP"], 129],
  ["SIGTERM", ["SIGTERM"], 143],
  // npm passes Ctrl-C on to a program that has had it from the terminal already.
  ["SIGINT", ["SIGINT", "SIGINT"], 130],
] as const)(
  "%s saves a checkpoint, says why the run has stopped, and ends with its code",
  async (name, signals, code) => {
    const { child, ended, folder } = await startTraining(name);
    for (const signal of signals) child.kill(signal);
    expect(await ended).toEqual({ code, signal: null });
    expectStopped(folder, `^stopped by ${name}$`);
  },
  120_000,
);

test.concurrent("a step of many micro-batches hears the first Ctrl-C at once, and ends at the second", async () => {
  const { child, ended, folder, stderr } = start("long-step", "train.accumulate=100000");
  while (child.exitCode === null && readStatus(folder)?.state !== "running") await sleep(20);
  child.kill("SIGINT");
  while (child.exitCode === null && !stderr().includes("stopping after this step")) await sleep(20);
  await sleep(400);
  child.kill("SIGINT");
  expect(await ended, stderr()).toEqual({ code: 130, signal: null });
  expect(readStatus(folder)).toMatchObject({ state: "stopped", step: 0 });
}, 120_000);

test.concurrent("so does a reader that closes the output; meanwhile nobody else trains the run", async () => {
  const moved = scratch.fresh("moved");
  cpSync(at("model"), moved, { recursive: true });
  const { child, ended, folder } = await startTraining("closed", `model.path=${moved}`, "train.saveEvery=1");
  rmSync(join(moved, "model.safetensors"));
  const second = await runChild(program, "train", "--resume", folder);
  expect(second).toMatchObject({ code: 2, stdout: "" });
  expect(second.stderr).toMatch(/^error: Another process is training this run/);
  expect(second.stderr).toContain(`process ${child.pid}, since`);
  child.stderr.destroy();
  child.stdout.destroy();
  expect(await ended).toEqual({ code: 141, signal: null });
  expectStopped(folder, "^stopped: stderr was closed$");
  expect(listRuns(at("runs")).find(({ path }) => path === folder)).toMatchObject({ state: "stopped" });
}, 120_000);

test.concurrent("a run that was suspended while another process took over stops without writing", async () => {
  const { child, ended, folder } = await startTraining("taken-over", "train.saveEvery=1");
  child.kill("SIGSTOP");
  const lock = join(folder, ".lock");
  for (const token of readdirSync(lock)) rmSync(join(lock, token));
  using _ = ProcessLock.take(lock, { what: "training this run", where: folder });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  child.kill("SIGCONT");
  expect(await ended).toEqual({ code: 1, signal: null });
  expect(stderr).toContain("This process has lost its lock");
  expect(stderr).toContain(`process ${process.pid}`);
  // Not even that it has failed.
  expect(readStatus(folder)?.state).toBe("running");
  expect(readEvents(folder).map(({ type }) => type)).not.toContain("end");
  expect(readdirSync(folder)).not.toContain("report.html");
}, 120_000);

/** A lock of another host; `beats` until it is stopped. */
function plantForeignLock(name: string): { lock: string; beat: () => void } {
  const lock = at("runs", name, ".lock");
  const file = join(lock, "7-token");
  mkdirSync(lock, { recursive: true });
  const since = "2026-01-01T00:00:00.000Z";
  writeFileSync(file, JSON.stringify({ pid: 7, host: "elsewhere", startTime: "1", since, heartbeat: 5000 }));
  return { lock, beat: () => utimesSync(file, new Date(), new Date()) };
}

test.concurrent("a run of another host is refused once its heartbeat is seen", async () => {
  const { beat } = plantForeignLock("beating");
  const beats = setInterval(beat, 100);
  const { code, stderr } = await runChild(program, "train", at("recipe.yaml"), "--set", "run.name=beating");
  clearInterval(beats);
  expect(code).toBe(2);
  expect(stderr).toMatch(/waiting up to 60 s for a heartbeat of process 7 on elsewhere/);
  expect(stderr).toMatch(/Another process is training this run/);
}, 120_000);

test.concurrent("Ctrl-C ends the wait for a heartbeat, and leaves the lock", async () => {
  const { lock } = plantForeignLock("silent");
  const args = ["train", at("recipe.yaml"), "--set", "run.name=silent"];
  const child = spawn(process.execPath, [...runsTypeScript, fileURLToPath(program), ...args]);
  children.push(child);
  child.stderr.on("data", (text) => {
    if (String(text).includes("waiting up to")) child.kill("SIGINT");
  });
  const [code] = await once(child, "close");
  expect(code).toBe(130);
  expect(readdirSync(lock)).toEqual(["7-token"]);
}, 120_000);
