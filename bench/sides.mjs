// The two sides of a comparison: processes that take turns.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A process that answers each line with a line of JSON. */
export function startSide(command, args, { core, env }) {
  const pinned = core === undefined ? [command, ...args] : ["taskset", "-c", core, command, ...args];
  const child = spawn(pinned[0], pinned.slice(1), { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ended without a result`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

/** Asks two sides in turn. @returns the pair of answers of each round */
export async function takeTurns(sides, rounds, line) {
  const found = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const pair = [await sides[0].ask(line), await sides[1].ask(line)];
      console.error(`round ${round + 1}: ${pair.map(({ seconds }) => seconds.toFixed(3)).join(" and ")} s`);
      found.push(pair);
    }
  } finally {
    for (const { end } of sides) end();
  }
  return found;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** The ratio of the seconds of each pair: the median, then all. */
export function ratioText(pairs) {
  const ratios = pairs.map(([theirs, ours]) => theirs.seconds / ours.seconds);
  return `${median(ratios).toFixed(2)}× (${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`;
}
