import { availableParallelism } from "node:os";
import { expect, test, vi } from "vitest";
import { type GemmBackend, useGemmBackend } from "./gemm-backend.ts";
import { exacterBackend, fasterBackend, measureGemmBackends } from "./gemm-verdict.ts";
import { setThreads } from "./system.ts";

vi.mock("./gemm-backend.ts", { spy: true });

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
  ["oneDNN is a tenth faster", [1.04, 1.16], "onednn"],
  ["both are alike, oneDNN ahead by little", [1.01, 1.06], "aten"],
  ["oneDNN is slower", [0.6, 0.9], "aten"],
  ["oneDNN may be a tenth faster, or not faster", [0.95, 1.15], undefined],
])("speed: %s", (_, [low, high], better) => {
  expect(fasterBackend({ low, median: (low + high) / 2, high })).toBe(better);
});

/** A clock by which a product of aten takes 2 ms and one of oneDNN as given, on so many threads. */
function clockWith(onednn: number, busyThreads: number) {
  const now = { wall: 0, cpu: 0 };
  return () => {
    const passed = vi.mocked(useGemmBackend).mock.lastCall?.[0] === "onednn" ? onednn : 2;
    now.wall += passed;
    now.cpu += passed * busyThreads;
    return { ...now };
  };
}

test.each<[GemmBackend, number, number]>([
  ["onednn", 1, 2],
  ["aten", 2, 1],
])("of two exact backends the faster is chosen: %s", (backend, onednn, speedup) => {
  setThreads(1);
  const verdict = measureGemmBackends(clockWith(onednn, 1));
  const rate = (ms: number) => (2 * 256 * 512 * 1024) / ms / 1e6;
  expect(verdict).toMatchObject({
    backend,
    timing: { rates: { aten: rate(2), onednn: rate(onednn) }, speedup: { median: speedup } },
  });
  expect(Math.max(verdict?.errors.aten ?? 1, verdict?.errors.onednn ?? 1)).toBeLessThan(4e-6);
  expect(vi.mocked(useGemmBackend).mock.lastCall).toEqual(["aten"]);
});

test("threads that wait for a core tell nothing; more of them than processors do not count", () => {
  setThreads(1);
  expect(measureGemmBackends(clockWith(1, 0.5))).toBeUndefined();
  const processors = availableParallelism();
  setThreads(processors + 1);
  expect(measureGemmBackends(clockWith(1, processors))?.backend).toBe("onednn");
  setThreads(1);
});
