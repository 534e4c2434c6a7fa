import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
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

function writeRecipe(name: string, train: object): string {
  const recipe = {
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "scalora-i", rank: 2 },
    data: { train: at("train.jsonl"), eval: { holdOut: 8 } },
    train: { steps: 4, batchSize: 4, lr: 1e-2, saveEvery: 2, ...train },
    run: { name, folder: at("runs"), samples: 1 },
  };
  const path = at(`${name}.yaml`);
  writeFileSync(path, JSON.stringify(recipe));
  return path;
}

const launch = (...args: string[]) => runChild(program, "launch", "--nproc", "2", ...args);

/** What a run has recorded of its training. */
function recorded(name: string) {
  const events = readEvents(at("runs", name));
  return {
    losses: events.flatMap((event) => (event.type === "step" || event.type === "eval" ? [event.loss] : [])),
    tokens: eventsOfType(events, "step").map(({ tokens }) => tokens),
    checkpoints: readdirSync(at("runs", name, "checkpoints")).map((step) => {
      const { files } = JSON.parse(
        readFileSync(at("runs", name, "checkpoints", step, "manifest.json"), "utf8"),
      );
      return [step, files["adapters.safetensors"], files["optimizer.safetensors"]];
    }),
  };
}

test("a recipe trained by 2 processes, resumed by 2, gives what one gives with twice the micro-batches", async () => {
  const alone = await runChild(program, "train", writeRecipe("alone", { accumulate: 2 }));
  expect(alone.code, alone.stderr).toBe(0);
  const together = await launch("train", writeRecipe("together", { accumulate: 1 }));
  expect(together.code, together.stderr).toBe(0);
  expect(together.stderr).toMatch(/processes +2/);
  expect(together.stderr).not.toContain("[rank 1]");
  expect(recorded("together")).toEqual(recorded("alone"));
  const again = await launch("train", "--resume", at("runs", "together"));
  expect(again.code, again.stderr).toBe(0);
  expect(again.stderr).toContain("already finished");
}, 120_000);

test("Ctrl-C stops all processes, which say so once, and one resumes the steps of two", async () => {
  const args = ["launch", "--nproc", "2", "train", writeRecipe("stopped", { steps: 300, saveEvery: 300 })];
  const child = spawn(process.execPath, [...runsTypeScript, fileURLToPath(program), ...args]);
  const ended = once(child, "close");
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  while (!((readStatus(at("runs", "stopped"))?.step ?? 0) > 0) && child.exitCode === null) await sleep(20);
  child.kill("SIGINT");
  expect([...(await ended), stderr.match(/SIGINT: stopping/g)?.length]).toEqual([130, null, 1]);
  expect(stderr).not.toContain("[rank 1]");
  expect(readEvents(at("runs", "stopped")).at(-1)).toMatchObject({ type: "end", reason: "stopped" });
  const resumed = await runChild(program, "train", "--resume", at("runs", "stopped"));
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
  const checked = await launch("check", recipe, "--json");
  expect(checked.code, checked.stderr).toBe(0);
  const { ok, run } = JSON.parse(checked.stdout);
  expect({ ok, first: run.probe.losses[0] }).toEqual({ ok: true, first: recorded("whole").losses[1] });
  const together = await launch("train", recipe);
  expect(together.code, together.stderr).toBe(0);
  expect(recorded("shared")).toEqual(recorded("whole"));
  const text = await runChild(program, "generate", at("runs", "shared"), "one", "--max-tokens", "3");
  expect(text.code, text.stderr).toBe(0);
}, 120_000);

test("processes with other recipes are refused: rank 0 names what differs", async () => {
  const words = [
    process.execPath,
    ...runsTypeScript,
    fileURLToPath(program),
    "train",
    writeRecipe("one", {}),
  ];
  const script = `exec ${words.join(" ")} --set train.lr=$((RANK + 1)).0`;
  const refused = await launch("--", "sh", "-c", script);
  const ofFirst = refused.stderr.split("\n").filter((line) => !line.startsWith("[rank"));
  expect(printedFailure({ ...refused, stderr: ofFirst.join("\n") })).toMatchObject({
    code: 2,
    where: "rank 1",
    found: "train.lr: 1 on rank 0, 2 on rank 1",
  });
  expect(existsSync(at("runs", "one"))).toBe(false);
}, 60_000);
