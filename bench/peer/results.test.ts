import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { checkDifference, largestLossDifference } from "./compare.ts";
import { othersShare } from "./machine-load.ts";
import { readResults, withRow, writeResults } from "./results.ts";
import { clockOf, rangeOf, speedRange, tokensPerSecond } from "./statistics.ts";
import { measuredRow } from "./testing/measured-row.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-bench-test-"));
const file = join(folder, "results.json");
afterEach(() => rmSync(file, { force: true }));

test("results are kept from one run to the next, and not mixed with another machine's", () => {
  const found = withRow(readResults(file, "this machine"), "rows", measuredRow());
  writeResults(file, found);
  expect(readResults(file, "this machine")).toEqual(found);
  expect(() => readResults(file, "another machine")).toThrow(/this machine.*--out/s);
});

test("a row has one result: the last", () => {
  const reason = "the first loss differs";
  const failed = withRow(readResults(file), "failed", { name: "S-float32-1", reason });
  expect(failed).toMatchObject({ rows: [], failed: [{ reason }] });
  expect(withRow(failed, "rows", measuredRow())).toMatchObject({
    rows: [{ name: "S-float32-1" }],
    failed: [],
  });
});

test("ratios are of the same round", () => {
  expect(speedRange(measuredRow(), "ours", "A")).toEqual({ least: 4, median: 5, most: 6 });
  expect(speedRange(measuredRow(), "ours", "F")).toEqual({ least: 1.5, median: 1.75, most: 2 });
  expect(rangeOf([3, 1, 9])).toEqual({ least: 1, median: 3, most: 9 });
});

test("one thread alone is judged by CPU time, everything else by the clock", () => {
  expect(clockOf(measuredRow())).toBe("cpu");
  expect(clockOf(measuredRow({ busy: 1 }))).toBe("wall");
  expect(clockOf(measuredRow({ threads: 2 }))).toBe("wall");
  expect(tokensPerSecond(measuredRow(), "ours")).toBe(600);
  expect(tokensPerSecond(measuredRow({ threads: 2 }), "ours")).toBe(250);
});

test("in float32 loss and gradients must agree; in bfloat16 a side may be as far from float32 as the peer is", () => {
  const near = { loss: 1e-7, gradient: 1e-6, tensor: "q_proj" };
  const far = { loss: 1e-4, gradient: 1e-2, tensor: "q_proj" };
  expect(checkDifference("float32", near, near)).toBeUndefined();
  expect(checkDifference("float32", { ...near, loss: 1e-3 }, near)).toMatch(/loss/);
  expect(checkDifference("float32", { ...near, gradient: 1e-3 }, near)).toMatch(/q_proj/);
  expect(checkDifference("float32", { ...near, gradient: Number.NaN }, near)).toMatch(/q_proj/);
  expect(checkDifference("bfloat16", far, far)).toBeUndefined();
  expect(checkDifference("bfloat16", { ...far, gradient: 1 }, far)).toMatch(/q_proj/);
  expect(largestLossDifference([1, 2.2], [1, 2])).toBeCloseTo(0.1);
});

test("what others took is the processors' time less the sides' own", () => {
  const before = { busy: 10, all: 100 };
  expect(othersShare(before, { busy: 16, all: 120 }, 2)).toBeCloseTo(0.2);
  expect(othersShare(before, { busy: 12, all: 120 }, 3)).toBe(0);
  expect(othersShare(before, before, 0)).toBe(0);
});
