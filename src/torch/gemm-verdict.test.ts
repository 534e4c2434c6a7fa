import { expect, test } from "vitest";
import type { GemmBackend } from "./gemm-backend.ts";
import { exacterBackend, fasterBackend, measureGemmBackends } from "./gemm-verdict.ts";

const [fine, coarse] = [1e-6, 1e-3];

test.each<[string, { aten: number; onednn: number }, GemmBackend | undefined]>([
  ["both are exact: their speed decides", { aten: fine, onednn: fine }, undefined],
  ["oneDNN computes less exactly than fp32", { aten: fine, onednn: coarse }, "aten"],
  ["libtorch's own does", { aten: coarse, onednn: fine }, "onednn"],
  ["both do: libtorch's own", { aten: coarse, onednn: coarse }, "aten"],
])("errors: %s", (_, errors, better) => {
  expect(exacterBackend(errors)).toBe(better);
});

test.each<[string, [low: number, high: number], GemmBackend | undefined]>([
  ["oneDNN is twice as fast", [1.9, 2.1], "onednn"],
  ["oneDNN is a fifth faster", [1.17, 1.23], "onednn"],
  ["both are alike, oneDNN ahead by little", [1.05, 1.2], "aten"],
  ["oneDNN is slower", [0.6, 0.9], "aten"],
  ["oneDNN may be a fifth faster, or not faster", [0.9, 1.3], undefined],
])("speed: %s", (_, [low, high], better) => {
  expect(fasterBackend({ low, median: (low + high) / 2, high })).toBe(better);
});

test("a measurement of this machine agrees with itself, or is none because it is busy", () => {
  const verdict = measureGemmBackends();
  if (verdict === undefined) return;
  expect(Math.max(verdict.errors.aten, verdict.errors.onednn)).toBeLessThan(4e-6);
  const { rates, speedup } = verdict.timing ?? {};
  expect(speedup && fasterBackend(speedup)).toBe(verdict.backend);
  expect(Math.min(rates?.aten ?? 0, rates?.onednn ?? 0)).toBeGreaterThan(0.1);
});
