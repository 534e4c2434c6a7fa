import { expect, test } from "vitest";
import { startTwoRanks } from "../testing/two-ranks.ts";

const program = new URL("testing/ranks-main.ts", import.meta.url);

/** What rank 0 of two printed, and how both ended. */
async function onTwoRanks(scenario: string) {
  const { ended } = await startTwoRanks(program, scenario);
  const [first, second] = await ended;
  expect([first?.stderr, second?.stderr]).toEqual(["", ""]);
  return { ...JSON.parse(first?.stdout ?? ""), ends: [first?.end, second?.end] };
}

test("each of two processes runs on a rank of its own, alone, and stops when rank 0 is asked to", async () => {
  const { ranks, result } = await onTwoRanks("shared");
  expect(ranks).toBe(2);
  expect(result).toEqual({
    outputs: ["rank 0: 0 1 2\n", expect.stringMatching(/^\d+ 0 1 2\n$/)],
    killed: ["SIGTERM", "SIGTERM"],
  });
}, 60_000);

test("a rank that is asked to stop stops all: what it has ended is no result", async () => {
  const { result, ends } = await onTwoRanks("stopped");
  expect(result.killed).toEqual(["SIGTERM", "SIGTERM"]);
  expect(result.why).toMatch(/asked to stop\n.*rank 1\n.*SIGTERM/);
  expect(ends).toEqual([0, 1]);
}, 60_000);

test("when a rank is killed the processes of the others are, within ten seconds", async () => {
  const { result, seconds, ends } = await onTwoRanks("killed");
  expect(result).toMatchObject({ killed: "SIGKILL", lives: false });
  for (const text of [result.error, result.why]) expect(text).toMatch(/^Rank 1 is gone/);
  expect(seconds).toBeLessThan(10);
  expect(ends).toEqual([0, "SIGKILL"]);
}, 60_000);
