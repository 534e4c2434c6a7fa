// Figures of a row: from all its rounds, those of one round compared with each other.
import { elementAt } from "../../src/util/elements.ts";
import { median } from "../sides.ts";
import type { MeasuredRow, MeasuredTechnique, SideName } from "./results.ts";

/** The least, the median and the most of some values. */
export interface Range {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

export function rangeOf(values: readonly number[]): Range {
  const sorted = [...values].sort((a, b) => a - b);
  return { least: elementAt(sorted, 0), median: median(sorted), most: elementAt(sorted, sorted.length - 1) };
}

/**
 * What a row is judged by: CPU time where one thread computes alone, for that is not changed by others; the clock where threads
 * wait for each other or for their turn.
 */
export const clockOf = ({ threads, busy }: Pick<MeasuredRow, "threads" | "busy">): "cpu" | "wall" =>
  threads === 1 && busy === 0 ? "cpu" : "wall";

/** How many times as fast as `slower` a side is, round by round. */
export function speedRange(row: MeasuredRow, side: SideName, slower: SideName): Range {
  const clock = clockOf(row);
  return rangeOf(row.rounds.map((round) => round[slower][clock] / round[side][clock]));
}

/** How many times as long a step takes without a technique, round by round. */
export function slowdownRange(row: MeasuredTechnique): Range {
  const clock = clockOf(row);
  return rangeOf(row.rounds.map(({ full, without }) => without[clock] / full[clock]));
}

/** Tokens a second, without padding: the median of the rounds. */
export function tokensPerSecond(row: MeasuredRow, side: SideName): number {
  const clock = clockOf(row);
  return median(row.rounds.map((round) => row.tokens / round[side][clock]));
}

export const rangeText = ({ least, median: middle, most }: Range) =>
  `${middle.toFixed(2)}× (${least.toFixed(2)}–${most.toFixed(2)})`;
