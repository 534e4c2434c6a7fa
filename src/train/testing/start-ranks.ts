import { expect } from "vitest";
import { runChild } from "../../testing/child-process.ts";
import { freePort } from "../../util/free-port.ts";
import type { Case } from "./train-rank.ts";

const program = new URL("train-rank.ts", import.meta.url);

/** Starts the ranks of trainings, one after another, as processes of their own. */
async function startRanksOf(size: number, cases: readonly Case[]) {
  const port = await freePort();
  return await Promise.all(
    Array.from({ length: size }, (_, rank) =>
      runChild(program, `${port}`, `${rank}`, `${size}`, JSON.stringify(cases)),
    ),
  );
}

/** Starts the ranks of a training as processes of their own. */
export const startRanks = (size: number, given: Case) => startRanksOf(size, [given]);

/** What each rank printed of each of several trainings. */
export async function trainAllOn(size: number, cases: readonly Case[]) {
  return (await startRanksOf(size, cases)).map(({ stdout, stderr, code }) => {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  });
}

/** What each rank of a training printed. */
export async function trainOn(size: number, given: Case) {
  return (await trainAllOn(size, [given])).map(([result]) => result);
}
