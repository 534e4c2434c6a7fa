import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { freePort } from "../util/free-port.ts";
import { runsTypeScript } from "./child-process.ts";

/** How a rank ended, and what it printed. */
interface EndOfRank {
  readonly end: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a program as two ranks, by hand: no launcher ends one after the other. */
export async function startTwoRanks(
  program: URL,
  ...args: readonly string[]
): Promise<{ ranks: ChildProcess[]; ended: Promise<EndOfRank[]> }> {
  const port = `${await freePort()}`;
  const ranks = ["0", "1"].map((rank) =>
    spawn(process.execPath, [...runsTypeScript, fileURLToPath(program), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        RANK: rank,
        LOCAL_RANK: rank,
        WORLD_SIZE: "2",
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: port,
      },
    }),
  );
  const ended = ranks.map(async (rank) => {
    const printed = Promise.all([text(rank.stdout), text(rank.stderr)]);
    const [code, signal] = await once(rank, "exit");
    const [stdout, stderr] = await printed;
    return { end: signal ?? code, stdout, stderr };
  });
  return { ranks, ended: Promise.all(ended) };
}

export const areRunning = (ranks: readonly ChildProcess[]): boolean =>
  ranks.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
