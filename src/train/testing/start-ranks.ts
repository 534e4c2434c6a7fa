import { expect } from "vitest";
import { runChild } from "../../testing/child-process.ts";
import { freePort } from "../../util/free-port.ts";
import type { Case } from "./train-rank.ts";

const program = new URL("train-rank.ts", import.meta.url);

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
