import { expect, test } from "vitest";
import { Random } from "../util/random.ts";
import { type Speedup, timePair } from "./paired-timing.ts";

interface Machine {
  /** Milliseconds of the two actions on an idle machine. */
  readonly first: number;
  readonly second: number;
  readonly threads?: number;
  /** Share of the cores that these threads get at a time, in milliseconds. */
  readonly share?: (wall: number, action: "first" | "second") => number;
  /** Factor of a run's time that takes no part of the CPU's time: memory, clock rate. */
  readonly noise?: () => number;
  /** Other threads of this process that work. */
  readonly others?: number;
  /** Share of the time in which a thread sleeps, because it waits for the others. */
  readonly asleep?: number;
}

/** A machine whose clocks move only as its actions run, by tenths of a millisecond. */
function simulate(machine: Machine) {
  const { first, second, threads = 2, share = () => 1, noise = () => 1, others = 0, asleep = 0 } = machine;
  const clock = { wall: 5, cpu: 3 };
  const counts = { first: 0, second: 0 };
  const run = (action: "first" | "second") => {
    counts[action]++;
    let left = (action === "first" ? first : second) * noise();
    while (left > 0) {
      const got = share(clock.wall, action);
      clock.wall += 0.1;
      clock.cpu += 0.1 * (got * threads * (1 - asleep) + others);
      left -= 0.1 * got;
    }
  };
  const timing = timePair(
    { first: () => run("first"), second: () => run("second"), threads, clock: () => ({ ...clock }) },
    decided,
  );
  return { timing, counts, wall: clock.wall };
}

const decided = ({ low, high }: Speedup) => low > 1.1 || high < 1.2;

test.each([
  ["twice as fast", 3, 1.5, 2],
  ["equally fast", 2, 2, 1],
  ["half as fast", 1.5, 3, 0.5],
])("alone on a machine one round tells that the second is %s", (_, first, second, speedup) => {
  const { timing, counts, wall } = simulate({ first, second });
  expect(timing?.speedup.median).toBeCloseTo(speedup, 1);
  expect(timing?.milliseconds.first).toBeCloseTo(first, 1);
  expect(timing?.milliseconds.second).toBeCloseTo(second, 1);
  expect(counts).toEqual({ first: 17, second: 17 });
  expect(wall).toBeLessThan(100);
});

test("threads that sleep while they wait for each other are no sign of other load", () => {
  // Two threads on an idle machine had 0.82 to 0.90 of the time.
  for (const asleep of [0.1, 0.18]) {
    const { timing, counts } = simulate({ first: 3, second: 2, asleep });
    expect(timing?.speedup.median).toBeCloseTo(1.5, 1);
    expect(counts.first).toBe(17);
  }
});

test("short bursts that hit one of the two do not count", () => {
  const share = (wall: number, action: string) => (action === "first" && wall % 60 < 4 ? 0.2 : 1);
  const { timing } = simulate({ first: 3, second: 3, share });
  expect(timing?.speedup.median).toBeCloseTo(1, 1);
});

test("load that goes away costs rounds, but not the answer", () => {
  // The load slows the faster one only, so that it would lose.
  const share = (wall: number, action: string) => (wall < 300 && action === "second" ? 0.1 : 1);
  const { timing } = simulate({ first: 3, second: 1.5, share });
  expect(timing?.speedup.low).toBeGreaterThan(1.9);
});

test.each<[string, Machine]>([
  ["load that hits one of the two", { first: 2, second: 2, share: (_, a) => (a === "first" ? 0.1 : 1) }],
  ["load that hits both", { first: 4, second: 2, share: () => 0.6 }],
  ["one busy thread beside two on two cores", { first: 4, second: 2, share: () => 2 / 3 }],
  ["a core that another program keeps", { first: 4, second: 2, threads: 1, share: () => 0.5 }],
  ["other threads of this process at work", { first: 4, second: 2, others: 1 }],
])("%s: nothing is told", (_, machine) => {
  expect(simulate(machine).timing).toBeUndefined();
});

test("spread that load does not explain is not told either, as long as it leaves the answer open", () => {
  const random = new Random(1);
  const noise = () => 1 + 4 * random.uniform();
  const { timing, counts } = simulate({ first: 1.2, second: 1.05, noise });
  expect(timing).toBeUndefined();
  expect(counts.first).toBe(1 + 80);
  // A large difference is told all the same.
  expect(simulate({ first: 9, second: 2, noise }).timing?.speedup.low).toBeGreaterThan(1.1);
});

test("on a machine under heavy load the tries end after a second or so", () => {
  const { timing, wall, counts } = simulate({ first: 3, second: 3, share: () => 0.01 });
  expect(timing).toBeUndefined();
  expect(wall).toBeLessThan(2500);
  expect(counts.first).toBeLessThan(6);
});

test("a slow machine takes its time", () => {
  const { timing } = simulate({ first: 100, second: 50 });
  expect(timing?.speedup.median).toBeCloseTo(2, 1);
});
