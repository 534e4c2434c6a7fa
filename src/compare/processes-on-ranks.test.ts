import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runsTypeScript } from "../testing/child-process.ts";
import { freePort } from "../util/free-port.ts";

const program = fileURLToPath(new URL("testing/ranks-main.ts", import.meta.url));

/** What rank 0 of two printed; no launcher ends one rank after the other. */
async function onTwoRanks(scenario: string) {
  const port = `${await freePort()}`;
  const ranks = ["0", "1"].map((rank) =>
    spawn(process.execPath, [...runsTypeScript, program, scenario], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        RANK: rank,
        WORLD_SIZE: "2",
        LOCAL_RANK: rank,
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: port,
      },
    }),
  );
  const ends = Promise.all(ranks.map(endOf));
  const [printed] = await Promise.all(ranks.map(({ stdout }) => text(stdout)));
  return { ...JSON.parse(printed ?? ""), ends: await ends };
}

async function endOf(rank: ChildProcess): Promise<unknown> {
  const [code, signal] = await once(rank, "exit");
  return signal ?? code;
}

test("each of two processes runs on a rank of its own, alone, and stops when rank 0 is asked to", async () => {
  const { ranks, result } = await onTwoRanks("shared");
  expect(ranks).toBe(2);
  expect(result).toEqual({
    outputs: ["rank 0: 0 1 2\n", expect.stringMatching(/^\d+ 0 1 2\n$/)],
    killed: ["SIGTERM", "SIGTERM"],
  });
}, 60_000);

test("a rank that is asked to stop stops all: what it has ended is no result", async () => {
  const { result, ends } = await onTwoRanks("stopped");
  expect(result.killed).toEqual(["SIGTERM", "SIGTERM"]);
  expect(result.why).toMatch(/asked to stop\n.*rank 1\n.*SIGTERM/);
  expect(ends).toEqual([0, 1]);
}, 60_000);

test("when a rank is killed the processes of the others are, within ten seconds", async () => {
  const { result, seconds, ends } = await onTwoRanks("killed");
  expect(result).toMatchObject({ killed: "SIGKILL", lives: false });
  for (const text of [result.error, result.why]) expect(text).toMatch(/^Rank 1 is gone/);
  expect(seconds).toBeLessThan(10);
  expect(ends).toEqual([0, "SIGKILL"]);
}, 60_000);
