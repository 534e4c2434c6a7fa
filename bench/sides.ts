// The two sides of a comparison: processes that take turns.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { z } from "zod";
import { elementAt } from "../src/util/elements.ts";

/** What a side answers: the seconds that it took, its highest memory, and more. */
export interface SideResult {
  readonly seconds: number;
  readonly peakMiB: number;
}

/** A process that answers each line with a line of JSON. */
export interface Side<Result> {
  ask(line: string): Promise<Result>;
  end(): void;
}

/** What both sides answered in one round. */
export type Round<Result> = readonly [theirs: Result, ours: Result];

/** How a side runs: pinned to a core or not. */
export interface SideSettings {
  readonly core: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** The command line that runs a command pinned to a core. */
export function pinned(
  core: string | undefined,
  command: string,
  args: readonly string[],
): [string, string[]] {
  return core === undefined ? [command, [...args]] : ["taskset", ["-c", core, command, ...args]];
}

/** Starts a side. @param result reads its answers */
export function startSide<Result>(
  result: z.ZodType<Result>,
  command: string,
  args: readonly string[],
  { core, env }: SideSettings,
): Side<Result> {
  const child = spawn(...pinned(core, command, args), { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ended without a result`);
      return result.parse(JSON.parse(value));
    },
    end: () => child.stdin.end(),
  };
}

/** Asks two sides in turn, and ends them. */
export async function takeTurns<Result extends SideResult>(
  [theirs, ours]: readonly [Side<Result>, Side<Result>],
  rounds: number,
  line: string,
): Promise<Round<Result>[]> {
  const found: Round<Result>[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      const pair = [await theirs.ask(line), await ours.ask(line)] as const;
      console.error(`round ${round}: ${pair.map(({ seconds }) => seconds.toFixed(3)).join(" and ")} s`);
      found.push(pair);
    }
  } finally {
    theirs.end();
    ours.end();
  }
  return found;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (elementAt(sorted, Math.floor(middle)) + elementAt(sorted, Math.ceil(middle))) / 2;
}

/** The ratio of the seconds of each pair: the median, then all. */
export function ratioText(pairs: readonly Round<SideResult>[]): string {
  const ratios = pairs.map(([theirs, ours]) => theirs.seconds / ours.seconds);
  return `${median(ratios).toFixed(2)}× (${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`;
}
