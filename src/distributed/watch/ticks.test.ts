import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { everyTick } from "./ticks.ts";

/** What the clock says: a machine that is busy, or suspends the process, lets it run on between two ticks. */
let clock = 0;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setImmediate", "clearImmediate"] });
  vi.spyOn(performance, "now").mockImplementation(() => clock);
});
afterEach(() => void vi.useRealTimers());

function ticks() {
  const called: string[] = [];
  const stop = everyTick({
    pause: (suspended) => called.push(`pause ${suspended}`),
    beat: () => called.push("beat"),
    look: () => called.push("look"),
  });
  /** What a tick calls that comes so many milliseconds after the one before. */
  const after = (milliseconds: number) => {
    clock += milliseconds;
    vi.advanceTimersByTime(250);
    vi.advanceTimersByTime(1); // for what waits until the loop has read
    return called.splice(0);
  };
  return { after, stop };
}

it("looks four times a second, and gives a sign of life at every other look", () => {
  const { after, stop } = ticks();
  expect([1, 2, 3, 4].map(() => after(250))).toEqual([
    ["look"],
    ["beat", "look"],
    ["look"],
    ["beat", "look"],
  ]);
  stop();
  expect(after(250)).toEqual([]);
});

it("a tick that is a second late is of a busy machine, a later one of a process that was suspended", () => {
  const { after, stop } = ticks();
  expect(after(1250)).toEqual(["beat", "look"]);
  expect(after(5250)).toEqual(["pause 5000", "beat", "look"]);
  stop();
});
