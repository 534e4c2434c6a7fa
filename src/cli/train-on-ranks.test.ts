import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventsOfType } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { readStatus } from "../run/status.ts";
import { runChild, runsTypeScript } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { printedFailure } from "./testing/printed-failure.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => writeTinyProject(scratch.path));

/** The folder of a test's runs. */
let runs = "";
const runAt = (...parts: string[]) => join(runs, ...parts);
beforeEach(() => {
  runs = scratch.fresh("runs");
});

function writeRecipe(name: string, train: object, more: object = {}): string {
  const recipe = {
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "scalora-i", rank: 2 },
    data: { train: at("train.jsonl"), eval: { holdOut: 8 } },
    train: { steps: 4, batchSize: 4, lr: 1e-2, saveEvery: 2, ...train },
    run: { name, folder: runs, samples: 1, ...more },
  };
  const path = at(`${name}.yaml`);
  writeFileSync(path, JSON.stringify(recipe));
  return path;
}

const launch = (...args: string[]) => runChild(program, "launch", "--nproc", "2", ...args);

/** What a run has recorded of its training. */
function recorded(name: string) {
  const events = readEvents(runAt(name));
  return {
    losses: events.flatMap((event) => (event.type === "step" || event.type === "eval" ? [event.loss] : [])),
    tokens: eventsOfType(events, "step").map(({ tokens }) => tokens),
    analysed: eventsOfType(events, "analysis").map(({ step, layers }) => ({ step, layers })),
    checkpoints: readdirSync(runAt(name, "checkpoints")).map((step) => {
      const { files } = JSON.parse(readFileSync(runAt(name, "checkpoints", step, "manifest.json"), "utf8"));
      return [step, files["adapters.safetensors"], files["optimizer.safetensors"]];
    }),
  };
}

test("a recipe trained by 2 processes, resumed by 2, gives what one gives with twice the micro-batches", async () => {
  const analysis = { analysis: { every: 2 } };
  const alone = await runChild(program, "train", writeRecipe("alone", { accumulate: 2 }, analysis));
  expect(alone.code, alone.stderr).toBe(0);
  expect(recorded("alone").analysed.length).toBeGreaterThan(0);
  const together = await launch("train", writeRecipe("together", { accumulate: 1 }, analysis));
  expect(together.code, together.stderr).toBe(0);
  expect(together.stderr).toMatch(/processes +2, started by scalora launch/);
  expect(together.stderr).not.toContain("[rank 1]");
  expect(recorded("together")).toEqual(recorded("alone"));
  const again = await launch("train", "--resume", runAt("together"));
  expect(again.code, again.stderr).toBe(0);
  expect(again.stderr).toContain("already finished");
}, 120_000);

test("Ctrl-C stops all processes, which say so once, and one resumes the steps of two", async () => {
  const args = ["launch", "--nproc", "2", "train", writeRecipe("stopped", { steps: 300, saveEvery: 300 })];
  const child = spawn(process.execPath, [...runsTypeScript, fileURLToPath(program), ...args]);
  const ended = once(child, "close");
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  while (!((readStatus(runAt("stopped"))?.step ?? 0) > 0) && child.exitCode === null) await sleep(20);
  child.kill("SIGINT");
  expect([...(await ended), stderr.match(/SIGINT: stopping/g)?.length]).toEqual([130, null, 1]);
  expect(stderr).not.toContain("[rank 1]");
  expect(stdout).toContain(`npx scalora launch --nproc 2 train --resume ${runAt("stopped")}\n`);
  expect(readEvents(runAt("stopped")).at(-1)).toMatchObject({ type: "end", reason: "stopped" });
  const resumed = await runChild(program, "train", "--resume", runAt("stopped"));
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(resumed.stderr).toContain("started by 2 processes and goes on with 1");
  expect(new Set(recorded("stopped").tokens).size).toBe(1);
}, 120_000);

test("2 processes that share the base out give what one gives that has it all; alone it is refused", async () => {
  const alone = await runChild(program, "train", writeRecipe("whole", { accumulate: 2 }));
  expect(alone.code, alone.stderr).toBe(0);
  const recipe = writeRecipe("shared", { accumulate: 1, shardBase: true });
  const refused = await runChild(program, "train", recipe);
  expect(printedFailure(refused)).toMatchObject({ code: 2, where: "train.shardBase" });
  const analysed = await launch("train", recipe, "--set", "run.analysis.every=2");
  expect(analysed.stderr).toContain("run.analysis");
  expect(analysed.code).toBe(2);
  const checked = await launch("check", recipe, "--json");
  expect(checked.code, checked.stderr).toBe(0);
  const { ok, run } = JSON.parse(checked.stdout);
  expect({ ok, first: run.probe.losses[0] }).toEqual({ ok: true, first: recorded("whole").losses[1] });
  const together = await launch("train", recipe);
  expect(together.code, together.stderr).toBe(0);
  expect(recorded("shared")).toEqual(recorded("whole"));
  const text = await runChild(program, "generate", runAt("shared"), "one", "--max-tokens", "3");
  expect(text.code, text.stderr).toBe(0);
}, 120_000);

/** Runs a command of scalora on 2 ranks; the shell replaces `$RANK` by the number of each. */
const launchByRank = (...words: string[]) => {
  const command = [process.execPath, ...runsTypeScript, fileURLToPath(program), ...words];
  return launch("--", "sh", "-c", `exec ${command.join(" ")}`);
};

/** The error that rank 0 printed. */
function failureOfFirst({ code, stderr }: Awaited<ReturnType<typeof launch>>) {
  const ofFirst = stderr.split("\n").filter((line) => !line.startsWith("[rank"));
  return printedFailure({ code, stderr: ofFirst.join("\n") });
}

test("processes with other recipes are refused: rank 0 names what differs", async () => {
  const refused = await launchByRank("train", writeRecipe("one", {}), "--set", "train.lr=$((RANK + 1)).0");
  expect(failureOfFirst(refused)).toMatchObject({
    code: 2,
    where: "rank 1",
    found: "train.lr: 1 on rank 0, 2 on rank 1",
  });
  expect(refused.stderr).toMatch(/^\[rank 1\] error: .*fix: rank 0 says what differs$/m);
  expect(existsSync(runAt("one"))).toBe(false);
}, 60_000);

test("equal files may be at other places on each process; other ones are refused with their paths", async () => {
  for (const rank of [0, 1]) {
    cpSync(at("model"), at(`model${rank}`), { recursive: true });
    cpSync(at("train.jsonl"), at(`train${rank}.jsonl`));
  }
  const set = ["--set", `model.path=${at("model$RANK")}`, "--set", `data.train=${at("train$RANK.jsonl")}`];
  const trained = await launchByRank("train", writeRecipe("places", {}), ...set);
  expect(trained.code, trained.stderr).toBe(0);
  writeFileSync(at("train1.jsonl"), readFileSync(at("train.jsonl"), "utf8").split("\n").slice(1).join("\n"));
  const refused = await launchByRank("train", writeRecipe("others", {}), ...set);
  const { found } = failureOfFirst(refused);
  expect(found).toMatch(/training data: \w+ of .*train0.jsonl on rank 0, \w+ of .*train1.jsonl on rank 1/);
}, 120_000);

test("whether a run is finished says rank 0, whatever another sees; one process cannot go on with a shared base", async () => {
  const recipe = writeRecipe("seen0", { shardBase: true });
  const trained = await launch("train", recipe);
  expect(trained.code, trained.stderr).toBe(0);
  cpSync(runAt("seen0"), runAt("seen1"), { recursive: true });
  rmSync(runAt("seen1", "report.html"));
  const resumed = await launchByRank("train", "--resume", runAt("seen$RANK"));
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(resumed.stderr).toContain("already finished");
  const refused = await runChild(program, "train", "--resume", runAt("seen1"));
  expect(printedFailure(refused)).toMatchObject({
    code: 2,
    where: "train.shardBase",
    fix: expect.stringContaining(`scalora launch --nproc 2 train --resume ${runAt("seen1")}`),
  });
}, 120_000);

test("check computes on all processes with the backend that rank 0 has chosen", async () => {
  const own = "export SCALORA_GEMM_BACKEND=$(test $RANK = 0 && echo aten || echo onednn)";
  const command = [process.execPath, ...runsTypeScript, fileURLToPath(program), "check", "--json"];
  const recipe = writeRecipe("backends", {});
  const checked = await launch("--", "sh", "-c", `${own}; exec ${command.join(" ")} ${recipe}`);
  expect(JSON.parse(checked.stdout), checked.stderr).toMatchObject({ ok: true, errors: [] });
}, 60_000);

test("check reports what is wrong on any process, with its number, and tries nothing on the others", async () => {
  cpSync(at("train.jsonl"), at("rows0.jsonl"));
  writeFileSync(at("rows1.jsonl"), '{"prompt": "a=", "completion": 3}\n');
  const set = ["--set", `data.train=${at("rows$RANK.jsonl")}`];
  const checked = await launchByRank("check", writeRecipe("checked", {}), "--json", ...set);
  const { ok, errors, run } = JSON.parse(checked.stdout);
  expect({ ok, probe: run.probe }).toEqual({ ok: false, probe: null });
  expect(errors).toEqual([expect.stringMatching(/^rank 1: (.*\n)*.*rows1.jsonl:1/)]);
  expect(checked.stderr).not.toContain("Rank 1");
}, 60_000);
