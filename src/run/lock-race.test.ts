import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runsTypeScript } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { currentPlace, currentProcess } from "../util/locks/process-identity.ts";
import { RunFolder } from "./run-folder.ts";

const takers = 4;
const rounds = 50;
/** Milliseconds until the takers, each waiting in a loop, start at once. */
const headStart = 4;

const release = async (child: ChildProcess) => {
  const released = answerOf(child);
  child.send("release");
  expect(await released).toBe("released");
};

const program = fileURLToPath(new URL("testing/lock-taker.ts", import.meta.url));
const folder = temporaryFolder();
let children: ChildProcess[] = [];

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [answer] = await once(child, "message");
  return answer;
}

beforeAll(async () => {
  children = Array.from({ length: takers }, () => fork(program, { execArgv: [...runsTypeScript] }));
  await Promise.all(children.map(answerOf));
}, 60_000);
afterAll(() => {
  for (const child of children) child.kill();
  folder.remove();
});

/** What a killed process leaves; its id may belong to another process by now. */
function plantStaleLock(path: string, pid: number): void {
  const lock = join(path, ".lock");
  mkdirSync(lock, { recursive: true });
  const { startTime, ...here } = { ...currentProcess(), ...currentPlace() };
  const earlier = startTime === null ? null : `${startTime.split(" ")[0]} 1`;
  const holder = { ...here, pid, startTime: earlier, since: "2026-01-01T00:00:00.000Z" };
  writeFileSync(join(lock, "stale"), JSON.stringify(holder));
}

async function race(
  path: string,
  { isNew }: { isNew: boolean },
): Promise<{ winner: ChildProcess; refusals: unknown[] }> {
  const answers = children.map(answerOf);
  const at = Date.now() + headStart;
  for (const child of children) child.send({ folder: path, isNew, at });
  const results = await Promise.all(answers);
  expect(results.filter((answer) => answer === "taken")).toHaveLength(1);
  const winner = children[results.indexOf("taken")];
  if (winner === undefined) throw new Error("nobody won");
  return { winner, refusals: results.filter((answer) => answer !== "taken") };
}

test("of several processes that open a run at once, one gets it; a lock of a process that is gone is taken over", async () => {
  const path = folder.fresh("run");
  RunFolder.create(path, "x").close();
  for (let round = 0; round < rounds; round++) {
    if (round % 5 !== 0) plantStaleLock(path, round % 2 === 0 ? process.pid : 2 ** 22 + round);
    const { winner, refusals } = await race(path, { isNew: false });
    expect(refusals).toHaveLength(takers - 1);
    for (const refusal of refusals) {
      expect(refusal).toContain("Another process is training this run");
      expect(refusal).toContain(`process ${winner.pid},`);
    }
    await release(winner);
  }
}, 60_000);

test("of several processes that create a run at once, one gets it, also where a killed one has left a lock", async () => {
  for (let round = 0; round < 10; round++) {
    const path = folder.fresh(`new-${round}`);
    if (round % 2 === 1) plantStaleLock(path, process.pid);
    const { winner, refusals } = await race(path, { isNew: true });
    for (const refusal of refusals)
      expect(refusal).toMatch(/Another process is training this run|already exists/);
    await release(winner);
    expect(readdirSync(path).sort()).toEqual(["config.yaml", "events.jsonl"]);
  }
}, 60_000);
