import { expect, it } from "vitest";
import { Judge } from "./judge.ts";
import type { Report } from "./messages.ts";

const silence = 8000;
const failed = (text: string): Report => ({ kind: "failed", text });
const lost: Report = { kind: "lost", text: "closed by peer" };
const late: Report = { kind: "late", text: "timed out" };

/** A judge whose ranks are all there at 0. */
function judgeOf(size: number): Judge {
  const judge = new Judge(size, silence, 0);
  for (let rank = 0; rank < size; rank++) judge.join({ rank, host: `host${rank}`, pid: 100 + rank }, 0);
  return judge;
}

/** The verdict at a time, at which all ranks but some give a sign of life. */
function verdictAt(judge: Judge, now: number, silent: readonly number[] = []) {
  for (let rank = 0; rank < 4; rank++) if (!silent.includes(rank)) judge.beat(rank, 1, now);
  judge.tick(now);
  return judge.verdict;
}

it("names a process that has ended without a word, at once, and what its host is", () => {
  const judge = judgeOf(3);
  judge.report(0, lost, 10);
  judge.ended(1, false, 20);
  expect(verdictAt(judge, 20)).toEqual({ rank: 1, host: "host1", pid: 101, kind: "gone", text: "" });
});

it("names the lowest of the ranks that fail together, with its message", () => {
  const judge = judgeOf(3);
  judge.report(2, failed("two"), 10);
  judge.report(1, failed("one"), 15);
  judge.ended(2, false, 20);
  expect(verdictAt(judge, 100)).toBeUndefined();
  expect(verdictAt(judge, 300)).toMatchObject({ rank: 1, kind: "failed", text: "one" });
  judge.report(0, failed("zero"), 310);
  expect(verdictAt(judge, 1000)).toMatchObject({ rank: 1 });
});

it("names a rank that was asked to stop, with its exit code, though it ends; after one that has failed", () => {
  const stopped: Report = { kind: "stopped", text: "stopped by SIGTERM", exitCode: 143 };
  const judge = judgeOf(3);
  judge.report(2, stopped, 10);
  judge.ended(2, false, 15);
  expect(verdictAt(judge, 300, [2])).toMatchObject({ rank: 2, kind: "stopped", exitCode: 143 });
  const other = judgeOf(3);
  other.report(1, stopped, 10);
  other.report(2, failed("two"), 15);
  expect(verdictAt(other, 300)).toMatchObject({ rank: 2, kind: "failed", exitCode: undefined });
});

it("names a rank that is silent, but not one that was not heard because this process was suspended", () => {
  const judge = judgeOf(3);
  expect(verdictAt(judge, silence, [2])).toBeUndefined();
  judge.slept(20_000, 28_000);
  expect(verdictAt(judge, silence + 20_000, [2])).toBeUndefined();
  expect(verdictAt(judge, silence + 20_001, [2])).toMatchObject({ rank: 2, kind: "silent" });
});

it("names rank 0 where another heard nothing of it while it was suspended, before or after it has noticed that itself", () => {
  const noticed = judgeOf(2);
  noticed.runs(10);
  noticed.slept(silence, silence + 500);
  noticed.gaveUp(1, silence + 510);
  const unnoticed = judgeOf(2);
  unnoticed.runs(10);
  unnoticed.gaveUp(1, silence + 500);
  // On a busy machine it is late again soon after.
  const late = judgeOf(2);
  late.slept(7000, silence);
  late.slept(1600, silence + 1100);
  late.gaveUp(1, silence + 1200);
  expect(verdictAt(late, silence + 1200)).toMatchObject({ rank: 0, kind: "silent" });
  for (const judge of [noticed, unnoticed])
    expect(verdictAt(judge, silence + 520)).toMatchObject({ rank: 0, kind: "silent" });
});

it("names the connection, and neither rank, where another heard nothing of rank 0 though that ran", () => {
  const judge = judgeOf(3);
  // It was late once, and suspended long ago.
  judge.slept(7000, 10_000);
  for (let now = 10_500; now <= 40_000; now += 500) {
    if (now === 35_000) judge.slept(1100, now);
    judge.runs(now);
  }
  judge.gaveUp(2, 40_100);
  expect(verdictAt(judge, 40_100)).toMatchObject({ rank: 2, kind: "cut" });
});

it("names rank 0 where all other machines are silent at once; one of them alone, or one machine, may have itself to blame", () => {
  const judge = judgeOf(4);
  for (const rank of [1, 2, 3]) judge.beat(rank, 1, 100 * rank);
  expect(verdictAt(judge, silence + 150, [1, 2, 3])).toMatchObject({ rank: 0, kind: "cut" });
  expect(verdictAt(judgeOf(4), silence + 150, [1, 2])).toMatchObject({ rank: 1, kind: "silent" });
  expect(verdictAt(judgeOf(2), silence + 150, [1])).toMatchObject({ rank: 1, kind: "silent" });
  const brief = new Judge(3, 1000, 0);
  for (const rank of [0, 1, 2]) brief.join({ rank, host: `host${rank}`, pid: 1 }, 0);
  for (const rank of [0, 2]) brief.beat(rank, 1, 600);
  brief.tick(1001);
  expect(brief.verdict).toMatchObject({ rank: 1, kind: "silent" });
});

it("names nobody while a rank may still join", () => {
  const judge = new Judge(2, silence, 0);
  judge.join({ rank: 0, host: "host0", pid: 100 }, 0);
  judge.report(0, failed("zero"), 10);
  expect(verdictAt(judge, 1000, [1])).toBeUndefined();
  judge.join({ rank: 1, host: "host1", pid: 101 }, 1000);
  expect(verdictAt(judge, 1001)).toMatchObject({ rank: 0, kind: "failed" });
});

it("names a rank that has never come", () => {
  const judge = new Judge(2, silence, 0);
  judge.join({ rank: 0, host: "host0", pid: 100 }, 0);
  expect(verdictAt(judge, silence + 1, [1])).toMatchObject({ rank: 1, kind: "silent" });
});

it("names the rank that has left while another still needs it; leaving alone is no failure", () => {
  const judge = judgeOf(3);
  judge.ended(2, true, 10);
  expect(verdictAt(judge, 100_000, [2])).toBeUndefined();
  judge.report(0, lost, 100_000);
  expect(verdictAt(judge, 100_500, [2])).toMatchObject({ rank: 2, kind: "left", text: "closed by peer" });

  const other = judgeOf(3);
  other.report(0, lost, 10);
  other.ended(2, true, 20);
  expect(verdictAt(other, 500)).toMatchObject({ rank: 2, kind: "left" });
});

it("names the rank that is behind, where others wait in vain", () => {
  const judge = judgeOf(3);
  judge.beat(0, 5, 10);
  judge.beat(1, 4, 10);
  judge.beat(2, 5, 10);
  judge.report(2, late, 20);
  judge.tick(500);
  expect(judge.verdict).toMatchObject({ rank: 1, kind: "late", text: "timed out" });
});

it("names the rank that has lost another, when none is gone after the silence", () => {
  const judge = judgeOf(2);
  judge.report(1, lost, 10);
  expect(verdictAt(judge, silence)).toBeUndefined();
  expect(verdictAt(judge, silence + 500)).toMatchObject({ rank: 1, kind: "lost", text: "closed by peer" });
});

it("takes each rank once", () => {
  const judge = judgeOf(2);
  const place = { host: "other", pid: 1 };
  expect([1, 2, -1, Number.NaN].map((rank) => judge.join({ rank, ...place }, 0))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
