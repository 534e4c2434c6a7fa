// Sides that take turns: processes that answer how long all batches took.
import { loadavg } from "node:os";
import { elementAt, required } from "../../src/util/elements.ts";
import type { Side } from "../sides.ts";
import { BusyThreads, othersShare, processorTime } from "./machine-load.ts";
import type { SideAnswer } from "./side-files.ts";

/** Sides by their names, in the order of their turns. */
export type Sides<Name extends string> = ReadonlyMap<Name, Side<SideAnswer>>;

/** What each side answered in a round. */
export type Answers<Name extends string> = (side: Name) => SideAnswer;

interface Turns<Name extends string> {
  readonly rounds: readonly Answers<Name>[];
  readonly load: {
    /** Load averages of a minute, before and after. */
    readonly average: [number, number];
    /** The share of the processors' time that neither the sides nor our busy threads took. */
    readonly others?: number;
  };
}

/** Asks all sides for a step to warm up, and then in each round for all steps, beside busy threads. */
export async function takeTurns<Name extends string>(
  sides: Sides<Name>,
  { rounds: count, busy }: { rounds: number; busy: number },
): Promise<Turns<Name>> {
  const before = elementAt(loadavg(), 0);
  using busyThreads = new BusyThreads(busy);
  for (const side of sides.values()) await side.ask("warm");
  const rounds: Answers<Name>[] = [];
  const shares: number[] = [];
  for (let round = 1; round <= count; round++) {
    const answers = new Map<Name, SideAnswer>();
    for (const [name, side] of sides) {
      const { answer, others } = await askForTime(side, busyThreads);
      answers.set(name, answer);
      shares.push(others);
    }
    const seconds = [...answers].map(
      ([name, { cpu, wall, minorFaults }]) =>
        `${name} ${cpu.toFixed(2)} / ${wall.toFixed(2)} / ${minorFaults}`,
    );
    console.error(`  round ${round}, CPU seconds / seconds / minor page faults: ${seconds.join(", ")}`);
    rounds.push((name) => required(answers.get(name), name));
  }
  const others = shares.reduce((sum, each) => sum + each, 0) / shares.length;
  const average: [number, number] = [before, elementAt(loadavg(), 0)];
  return { rounds, load: { average, ...(!Number.isNaN(others) && { others }) } };
}

/** A side's answer, and the share of the processors' time that others took meanwhile. */
async function askForTime(side: Side<SideAnswer>, busyThreads: BusyThreads) {
  const [before, ofBusy] = [processorTime(), busyThreads.seconds()];
  const answer = await side.ask("time");
  const busySeconds = (busyThreads.seconds() ?? Number.NaN) - (ofBusy ?? Number.NaN);
  return { answer, others: othersShare(before, processorTime(), answer.cpu + busySeconds) };
}

/** Seconds of a side's round. */
export const secondsOf = ({ cpu, wall }: SideAnswer): { cpu: number; wall: number } => ({ cpu, wall });
