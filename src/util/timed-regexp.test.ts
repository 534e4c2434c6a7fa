import { expect, test, vi } from "vitest";
import { MatchTime, MatchTimeout } from "./timed-regexp.ts";

const paths = ["model.layers.11", "model.layers.x", "model.norm"];

test("each text has its first match", () => {
  expect(new MatchTime().firstMatches([/layers\.\d+$/, /layers/], paths)).toEqual([0, 1, -1]);
});

test("an error of another kind is told as it is", () => {
  const broken = /a/;
  broken.exec = () => {
    throw new RangeError("no memory");
  };
  expect(() => new MatchTime().firstMatches([broken], ["a"])).toThrow(new RangeError("no memory"));
});

/** Takes twice as long with each further letter. */
const slow = /^(a+)+!$/;

test("an expression that would take for ever is given up after a second, and named", () => {
  const started = performance.now();
  const match = () => new MatchTime().firstMatches([/^b/, slow, /c/], ["a".repeat(60)]);
  expect(match).toThrow(expect.objectContaining({ expression: slow }));
  expect(match).toThrow(MatchTimeout);
  expect(performance.now() - started).toBeLessThan(30_000);
});

test("the second is for all calls together", () => {
  const time = new MatchTime();
  let letters = 10;
  const took = () => {
    const started = performance.now();
    time.firstMatches([slow], ["a".repeat(letters)]);
    return performance.now() - started;
  };
  while (took() < 150) letters += 1;
  const started = performance.now();
  expect(() => {
    for (;;) took();
  }).toThrow("longer than a second");
  expect(performance.now() - started).toBeLessThan(30_000);
});

test("when the second is used up, nothing more is tried, however quick it would be", () => {
  const time = new MatchTime();
  using clock = vi.spyOn(performance, "now").mockReturnValueOnce(0).mockReturnValueOnce(1000);
  expect(time.firstMatches([/layers/], paths)).toEqual([0, 0, -1]);
  expect(clock).toHaveBeenCalledTimes(2);
  expect(() => time.firstMatches([/layers/], paths)).toThrow(MatchTimeout);
});
