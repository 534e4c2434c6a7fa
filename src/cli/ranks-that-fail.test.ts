import { spawn } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { eventsOfType } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { runChild, runsTypeScript } from "../testing/child-process.ts";
import type { Plan } from "../testing/faulty-method.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { freePort } from "../util/free-port.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
const plugin = fileURLToPath(new URL("../testing/faulty-method.ts", import.meta.url));
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
afterEach(() => void vi.unstubAllEnvs());
beforeAll(() => {
  writeTinyProject(scratch.path);
  const recipe = {
    plugins: [plugin],
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "faulty" },
    data: { train: at("train.jsonl"), eval: "none" },
    train: { steps: 4, batchSize: 4, lr: 1e-2, saveEvery: 2 },
    run: { folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
});

let runs = 0;

/** Trains on 2 ranks, with a fault on one of them. @returns what was printed, the run's name, and the milliseconds since the fault */
async function trainWith(plan: Plan, ...more: readonly string[]) {
  const name = `run-${runs++}`;
  const mark = at(`${name}.mark`);
  vi.stubEnv("FAULT_PLAN", JSON.stringify({ ...plan, mark }));
  const words = ["train", at("recipe.yaml"), "--set", `run.name=${name}`, ...more];
  const result = await runChild(program, "launch", "--nproc", "2", ...words);
  const end = Date.now();
  vi.unstubAllEnvs();
  return { ...result, name, took: end - statSync(mark).mtimeMs };
}

async function expectResume(name: string, step: number): Promise<void> {
  const resumed = await runChild(program, "launch", "--nproc", "2", "train", "--resume", at("runs", name));
  expect(resumed.code, resumed.stderr).toBe(0);
  const events = readEvents(at("runs", name));
  expect(eventsOfType(events, "resume").map((event) => event.step)).toEqual([step]);
}

test("a rank that throws ends the others: it says why, rank 0 too, and the launcher names it", async () => {
  const { code, stderr, name } = await trainWith({ what: "raise", rank: 1, step: 4 });
  expect(code).toBe(1);
  const place = `rank 1, process \\d+ on ${hostname()}`;
  expect(stderr).toMatch(new RegExp(`^error: Rank 1 .*\\n +where: +${place}\\n(.*\\n)* .*had enough`, "m"));
  expect(stderr).toMatch(/^\[rank 1\] error: .*had enough/m);
  expect(stderr.match(/^error: rank 1 \(process \d+\) ended with exit code 1/gm)).toHaveLength(1);
  expect(eventsOfType(readEvents(at("runs", name)), "end")).toMatchObject([{ reason: "failed", step: 3 }]);
}, 60_000);

test.each([0, 1])(
  "when rank %i is killed the other one says so, and the launcher",
  async (rank) => {
    const { code, stderr, name } = await trainWith({ what: "kill", rank, step: 3 });
    expect(code).toBe(137);
    expect(stderr).toMatch(new RegExp(`^(\\[rank 1\\] )?error: Rank ${rank} is gone`, "m"));
    const named = new RegExp(`^error: rank ${rank} \\(process \\d+\\) was killed by SIGKILL`, "gm");
    expect(stderr.match(named)).toHaveLength(1);
    if (rank === 1) await expectResume(name, 2);
  },
  60_000,
);

test.each([0, 1])(
  "when rank %i is suspended, in a run that shares its base out, all end and name it, and the launcher",
  async (rank) => {
    const words = ["--silence", "2", "--set", "train.shardBase=true"];
    const { code, stderr, took } = await trainWith({ what: "suspend", rank, step: 3 }, ...words);
    expect(code).toBe(1);
    expect(took).toBeLessThan(10_000);
    expect(stderr.match(/Rank \d is \w+/g)).toContain(`Rank ${rank} is silent`);
    expect(stderr.replaceAll(`Rank ${rank} is silent`, "")).not.toMatch(/error: Rank/);
    expect(stderr.trimEnd()).toMatch(
      new RegExp(`\nerror: rank ${rank} \\(process \\d+\\) on \\S+ is silent[^\n]*$`),
    );
  },
  60_000,
);

test("ranks that wait for others at the start say for whom", async () => {
  const waits = [
    { rank: 0, port: await freePort(), says: "rank 0: still waiting for rank 1 of 2 after 10 s" },
    {
      rank: 1,
      port: await freePort(),
      says: "rank 1: still waiting for rank 0, which has the store, at 127.0.0.1:",
    },
  ].map(async ({ rank, port, says }) => {
    const variables = { RANK: `${rank}`, WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${port}` };
    const words = [...runsTypeScript, fileURLToPath(program), "train", at("recipe.yaml")];
    const child = spawn(process.execPath, words, { env: { ...process.env, ...variables } });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
      if (stderr.includes(says)) child.kill("SIGKILL");
    });
    await new Promise((resolve) => child.once("close", resolve));
    expect(stderr).toContain(says);
  });
  await Promise.all(waits);
}, 60_000);
