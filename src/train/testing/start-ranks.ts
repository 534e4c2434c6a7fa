import { createServer } from "node:net";
import { expect } from "vitest";
import { runChild } from "../../testing/child-process.ts";
import type { Case } from "./train-rank.ts";

const program = new URL("train-rank.ts", import.meta.url);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Starts the ranks of a training as processes of their own. */
export async function startRanks(size: number, given: Case) {
  const port = await freePort();
  return await Promise.all(
    Array.from({ length: size }, (_, rank) =>
      runChild(program, `${port}`, `${rank}`, `${size}`, JSON.stringify(given)),
    ),
  );
}

/** What each rank of a training printed. */
export async function trainOn(size: number, given: Case) {
  return (await startRanks(size, given)).map(({ stdout, stderr, code }) => {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  });
}
