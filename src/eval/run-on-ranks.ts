import { gatherTexts, type ProcessGroup } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { type ExampleResult, lineOf, parseResult } from "./result-log.ts";
import type { PendingExample, TaskSettings } from "./scoring-mode.ts";

/** Examples of a rank between two exchanges of results: if the job is killed, these are lost. */
const perRound = 64;

/**
 * The results of examples that ranks share, on every rank: its own as soon as they are there, those of the others after each round.
 * @param jobs those without a result; those of rank 0, which has the log, are run
 * @param run scores some of them on this rank
 */
export async function* runOnRanks(
  group: ProcessGroup,
  jobs: readonly PendingExample[],
  run: (jobs: readonly PendingExample[]) => AsyncIterable<ExampleResult>,
  { signal }: Pick<TaskSettings, "signal">,
): AsyncGenerator<ExampleResult> {
  const exchange = (text: string) =>
    gatherTexts(group, text).catch((error: unknown) => {
      signal.throwIfAborted(); // Ctrl-C may reach another rank first.
      throw error;
    });
  const wanted = elementAt(await exchange(jobs.map(({ index }) => index).join()), 0);
  const indices = new Set(wanted.split(",").map(Number));
  const shared = wanted === "" ? [] : jobs.filter(({ index }) => indices.has(index));
  for (let first = 0; first < shared.length; first += perRound * group.size) {
    const round = shared.slice(first, first + perRound * group.size);
    const lines: string[] = [];
    for await (const result of run(round.filter((_, index) => index % group.size === group.rank))) {
      lines.push(lineOf(result));
      yield result;
    }
    const all = await exchange(lines.join(""));
    const others = all.filter((_, rank) => rank !== group.rank).flatMap((text) => text.trimEnd().split("\n"));
    for (const line of others) if (line !== "") yield parseResult(line, "another rank");
  }
}
