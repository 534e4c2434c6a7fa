import type { ChildProcess, SpawnOptions } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { readLaunch } from "./read-launch.ts";
import { runRanks } from "./run-ranks.ts";

/** What stands in for the start of rank 1, and the processes that were started. */
const spawning = vi.hoisted((): { rank1?: "missing" | "throws" | undefined; started: ChildProcess[] } => {
  return { started: [] };
});
vi.mock("node:child_process", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:child_process")>();
  return {
    ...real,
    spawn(command: string, args: string[], options: SpawnOptions) {
      const instead = options.env?.["RANK"] === "1" ? spawning.rank1 : undefined;
      if (instead === "throws") throw new Error("spawn E2BIG");
      const child = real.spawn(instead === "missing" ? "./no-such-program" : command, args, options);
      spawning.started.push(child);
      return child;
    },
  };
});

let scratch = temporaryFolder();
beforeEach(() => {
  scratch = temporaryFolder();
  Object.assign(spawning, { rank1: undefined, started: [] });
});
afterEach(() => scratch.remove());

/** Runs a program of JavaScript, which knows its `rank` and may write a file, as several ranks. */
async function run(program: string, nproc: number, env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const prelude = `const rank = Number(process.env.RANK); const fs = require("node:fs");`;
  const result = await runRanks({
    command: process.execPath,
    args: ["-e", prelude + program],
    nproc,
    env: { PATH: process.env["PATH"], FOLDER: scratch.path, ...env },
    log: (line) => lines.push(line),
  });
  return { ...result, lines: lines.sort() };
}

const written = () =>
  readdirSync(scratch.path)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(scratch.path, name), "utf8")));

const writesEnvironment = `fs.writeFileSync(process.env.FOLDER + "/" + rank, JSON.stringify(process.env))`;

it("tells each rank which it is", async () => {
  expect(await run(writesEnvironment, 2, { OMP_NUM_THREADS: "1" })).toMatchObject({ exitCode: 0, lines: [] });
  const [first, second] = written();
  const shared = { WORLD_SIZE: "2", LOCAL_WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", OMP_NUM_THREADS: "1" };
  expect(first).toMatchObject({ ...shared, RANK: "0", LOCAL_RANK: "0" });
  expect(second).toMatchObject({ ...shared, RANK: "1", LOCAL_RANK: "1", MASTER_PORT: first.MASTER_PORT });
  expect(Number(first.MASTER_PORT)).toBeGreaterThan(0);
});

it("leaves the number of threads to who has set it, and says when more compute than fit", async () => {
  const [asked, mkl, shared] = [
    await run(writesEnvironment, 2, { OMP_NUM_THREADS: "999" }),
    await run(writesEnvironment, 1, { MKL_NUM_THREADS: "1" }),
    await run("", 2),
  ];
  expect(asked.lines).toEqual([expect.stringMatching(/^warning: .*OMP_NUM_THREADS=\d+$/)]);
  expect(written()[1]).toMatchObject({ OMP_NUM_THREADS: "999" });
  expect(written()[0]).not.toHaveProperty("OMP_NUM_THREADS");
  expect([mkl.lines, shared.lines]).toEqual([[], []]);
});

it("counts the ranks of other nodes, where Kubeflow or SkyPilot starts it on each", async () => {
  const node = { SKYPILOT_NODE_RANK: "1", SKYPILOT_NODE_IPS: "10.0.0.5\n10.0.0.6" };
  await run(writesEnvironment, 2, node);
  expect(written()).toMatchObject([
    { RANK: "2", WORLD_SIZE: "4", LOCAL_RANK: "0", MASTER_ADDR: "10.0.0.5", MASTER_PORT: "29500" },
    { RANK: "3", WORLD_SIZE: "4", LOCAL_RANK: "1", MASTER_ADDR: "10.0.0.5", MASTER_PORT: "29500" },
  ]);
});

it("marks the lines of other ranks than 0", async () => {
  const program = `if (rank > 0) { console.log("one"); process.stderr.write("two\\nthree") }`;
  const { lines } = await run(program, 3);
  expect(lines).toEqual(
    [1, 2].flatMap((rank) => ["one", "three", "two"].map((text) => `[rank ${rank}] ${text}`)),
  );
});

it("ends the others when a rank fails, those too that do not want to, and names it", async () => {
  const stays = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`;
  const begin = performance.now();
  const { failure, exitCode } = await run(
    `if (rank === 1) setTimeout(() => process.exit(7), 300); else { ${stays} }`,
    3,
  );
  expect({ failure, exitCode }).toMatchObject({ failure: { rank: 1, code: 7, signal: null }, exitCode: 7 });
  expect(performance.now() - begin).toBeLessThan(10_000);
});

it("names a rank that was killed before those that fail because of it", async () => {
  const program = `
    const file = process.env.FOLDER + "/gone";
    if (rank === 2) { fs.writeFileSync(file, ""); process.kill(process.pid, "SIGKILL"); }
    setInterval(() => fs.existsSync(file) && process.exit(1), 1);`;
  const { failure, exitCode } = await run(program, 3);
  expect({ failure, exitCode }).toMatchObject({ failure: { rank: 2, signal: "SIGKILL" }, exitCode: 137 });
});

it("ends a rank that is suspended, and names it where another one knows", async () => {
  const program = `
    const verdict = { rank: 1, host: "here", pid: 4711, kind: "silent", text: "" };
    const end = () => {
      fs.writeFileSync(process.env.SCALORA_VERDICT_FILE ?? "verdict", JSON.stringify(verdict));
      process.exit(1);
    };
    if (rank === 1) process.kill(process.pid, "SIGSTOP"); else setTimeout(end, 500);
    setInterval(() => {}, 1000);`;
  const begin = performance.now();
  const { failure, exitCode } = await run(program, 3);
  expect({ failure, exitCode }).toMatchObject({
    failure: { rank: 1, pid: 4711, found: "on here is silent" },
    exitCode: 1,
  });
  // Less than the time that ranks have to end by themselves.
  expect(performance.now() - begin).toBeLessThan(5000);
});

it("a signal stops a rank that is suspended, too", async () => {
  const program = `
    process.on("SIGTERM", () => process.exit(143));
    setInterval(() => {}, 1000);
    fs.writeFileSync(process.env.FOLDER + "/ready" + rank, "");
    if (rank === 1) process.kill(process.pid, "SIGSTOP");`;
  const ended = run(program, 2);
  await expect
    .poll(() => ["ready0", "ready1"].every((name) => existsSync(join(scratch.path, name))))
    .toBe(true);
  process.emit("SIGTERM");
  expect(await ended).toMatchObject({ failure: undefined, exitCode: 143 });
});

it("asks the others to stop when one was, and lets them take their time", async () => {
  const program = `
    process.on("SIGTERM", () => setTimeout(() => { console.log("saved"); process.exit(0); }, 5300));
    fs.writeFileSync(process.env.FOLDER + "/hears" + rank, "");
    const areReady = () => [0, 2].every((other) => fs.existsSync(process.env.FOLDER + "/hears" + other));
    setInterval(() => rank === 1 && areReady() && process.exit(143), 20);`;
  const { failure, exitCode, lines } = await run(program, 3);
  expect({ failure, exitCode }).toMatchObject({ failure: { rank: 1, askedBy: "SIGTERM" }, exitCode: 143 });
  expect(lines).toEqual(["[rank 2] saved"]);
});

it("names the rank that says it was asked to stop, where another one ends first", async () => {
  const program = `
    const verdict = { rank: 1, host: "here", pid: process.pid, kind: "stopped", text: "", exitCode: 143 };
    if (rank === 1) {
      fs.writeFileSync(process.env.SCALORA_VERDICT_FILE, JSON.stringify(verdict));
      fs.writeFileSync(process.env.FOLDER + "/told", "");
      setTimeout(() => process.exit(143), 300);
    } else setInterval(() => fs.existsSync(process.env.FOLDER + "/told") && process.exit(143), 10);`;
  const { failure, exitCode } = await run(program, 2);
  expect({ failure, exitCode }).toMatchObject({ failure: { rank: 1, askedBy: "SIGTERM" }, exitCode: 143 });
});

it.each(["missing", "throws"] as const)(
  "ends the ranks that it has started when another cannot be started (%s)",
  async (how) => {
    spawning.rank1 = how;
    await expect(run("setInterval(() => {}, 1000)", 2)).rejects.toMatchObject({ code: "usage" });
    const [first] = spawning.started;
    try {
      await expect.poll(() => first?.signalCode).toBe("SIGKILL");
    } finally {
      first?.kill("SIGKILL");
    }
  },
);

it.each([
  { RANK: "0", WORLD_SIZE: "1", TORCHELASTIC_USE_AGENT_STORE: "True" },
  { SLURM_PROCID: "0", SLURM_STEP_NUM_TASKS: "1", SLURM_LOCALID: "0", SLURM_JOB_ID: "7" },
])("starts ranks within the one rank of another launcher: %j", async (env) => {
  expect(await run(writesEnvironment, 2, env)).toMatchObject({ exitCode: 0 });
  const [first, second] = written();
  expect(second).toMatchObject({ RANK: "1", WORLD_SIZE: "2" });
  expect([readLaunch(first), readLaunch(second)]).toMatchObject([
    { rank: 0, worldSize: 2, launcherHasStore: false },
    { rank: 1, worldSize: 2, launcherHasStore: false },
  ]);
});

it("refuses a program that is not there, and to start ranks within a rank", async () => {
  const options = { args: [], nproc: 2, env: {}, log: () => {} };
  await expect(runRanks({ ...options, command: "./no-such-program" })).rejects.toMatchObject({
    code: "usage",
    where: "./no-such-program",
    fix: expect.stringContaining("PATH"),
  });
  const env = { RANK: "1", WORLD_SIZE: "2", MASTER_ADDR: "a", MASTER_PORT: "1" };
  await expect(runRanks({ ...options, env, command: "true" })).rejects.toMatchObject({
    code: "usage",
    found: expect.stringContaining("rank 1 of 2"),
  });
});
