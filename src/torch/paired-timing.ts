import { elementAt } from "../util/elements.ts";

/** Two actions that are timed against each other, and the clocks for it. */
export interface TimedPair {
  /** Each takes milliseconds. */
  readonly first: () => void;
  readonly second: () => void;
  /** Threads that each keeps busy. */
  readonly threads: number;
  /** Wall time, and CPU time of all threads of this process, in milliseconds. */
  readonly clock: () => { readonly wall: number; readonly cpu: number };
}

/** How many times as fast the second action is: the median of the pairs, and its 99 % interval. */
export interface Speedup {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export interface PairedTiming {
  readonly speedup: Speedup;
  /** Median time of each action. */
  readonly milliseconds: { readonly first: number; readonly second: number };
}

type Pair = PairedTiming["milliseconds"];

/** Even, so that each action is the first of as many pairs. */
const pairsInRound = 16;
const maxPairs = 5 * pairsInRound;
/** Milliseconds after which no further round begins. */
const patience = 1000;
/** Milliseconds after which the CPU time of a round says something: some systems count it in ticks of several milliseconds. */
const firstLook = 50;
/**
 * CPU time by wall time and thread, when nothing else has the cores (below), and no other threads of this process work (above).
 * Alone on two cores, two threads that sleep while they wait for each other had 0.82 to 0.90; beside a third they have 0.67 at most.
 */
const quietShare = { least: 0.75, most: 1.15 };

/**
 * Times two actions in turns, in rounds of 16 pairs, until the pairs decide, or there are 80 of them, or a second is over. What
 * other load on the machine does to single pairs leaves the median of their ratios as it is; a round during which the threads had
 * to wait for a core, as their CPU time shows, does not count at all.
 * @param isDecided whether a speedup that is known so well is enough
 * @returns undefined when that has told nothing
 */
export function timePair(
  action: TimedPair,
  isDecided: (speedup: Speedup) => boolean,
): PairedTiming | undefined {
  action.first();
  action.second();
  const pairs: Pair[] = [];
  const { wall: start } = action.clock();
  while (pairs.length < maxPairs && action.clock().wall - start < patience) {
    const quiet = timeRound(action);
    if (quiet === undefined) continue;
    pairs.push(...quiet);
    const timing = summary(pairs);
    if (isDecided(timing.speedup)) return timing;
  }
  return undefined;
}

/** The pairs of a round; undefined, as early as possible, when it is disturbed. */
function timeRound({ first, second, threads, clock }: TimedPair): Pair[] | undefined {
  const pairs: Pair[] = [];
  const time = (action: () => void) => {
    const { wall } = clock();
    action();
    return clock().wall - wall;
  };
  const start = clock();
  while (pairs.length < pairsInRound) {
    if (pairs.length % 2 === 0) pairs.push({ first: time(first), second: time(second) });
    else {
      const later = time(second);
      pairs.push({ first: time(first), second: later });
    }
    const now = clock();
    const wall = now.wall - start.wall;
    const share = (now.cpu - start.cpu) / (wall * threads);
    const isQuiet = share >= quietShare.least && share <= quietShare.most;
    if (!isQuiet && (wall >= firstLook || pairs.length === pairsInRound)) return undefined;
  }
  return pairs;
}

function summary(pairs: readonly Pair[]): PairedTiming {
  const ratios = sorted(pairs.map(({ first, second }) => first / second));
  // The ends of a median's 99 % interval are values of these ranks (binomial distribution).
  const below = Math.floor((ratios.length - 2.58 * Math.sqrt(ratios.length)) / 2);
  return {
    speedup: {
      low: elementAt(ratios, below - 1),
      median: medianOf(ratios),
      high: elementAt(ratios, ratios.length - below),
    },
    milliseconds: {
      first: medianOf(sorted(pairs.map(({ first }) => first))),
      second: medianOf(sorted(pairs.map(({ second }) => second))),
    },
  };
}

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);

const medianOf = (values: readonly number[]) =>
  (elementAt(values, Math.floor((values.length - 1) / 2)) +
    elementAt(values, Math.floor(values.length / 2))) /
  2;
