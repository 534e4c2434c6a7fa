import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { runsTypeScript } from "../../testing/child-process.ts";
import { freePort } from "../../util/free-port.ts";

const program = fileURLToPath(new URL("run-main.ts", import.meta.url));

/** Starts a command of scalora as two ranks, by hand: no launcher ends one after the other. */
export async function startTwoRanks(...args: readonly string[]): Promise<{
  ranks: ChildProcess[];
  ended: Promise<{ code: number | null; stderr: string }[]>;
}> {
  const port = `${await freePort()}`;
  const ranks = ["0", "1"].map((rank) =>
    spawn(process.execPath, [...runsTypeScript, program, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
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
  const endOf = async (rank: ChildProcess & { stderr: NodeJS.ReadableStream }) => {
    const [stderr, [code]] = await Promise.all([text(rank.stderr), once(rank, "exit")]);
    return { code, stderr };
  };
  return { ranks, ended: Promise.all(ranks.map(endOf)) };
}

export const areRunning = (ranks: readonly ChildProcess[]): boolean =>
  ranks.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
