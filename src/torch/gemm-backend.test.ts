import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import {
  chooseGemmBackend,
  fasterBackend,
  type GemmBackend,
  requireGemmBackend,
  useGemmBackend,
} from "./gemm-backend.ts";
import { setThreads, threads } from "./system.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  folder.remove();
  useGemmBackend("aten");
});
/** An environment with a cache folder of its own. */
const cache = () => ({ XDG_CACHE_HOME: folder.path });

const fine = 1e-6;
const coarse = 1e-3;

test.each<[string, [speed: number, error: number], [speed: number, error: number], GemmBackend]>([
  ["oneDNN twice as fast", [105, fine], [240, fine], "onednn"],
  ["both alike, oneDNN ahead by noise", [155, fine], [165, fine], "aten"],
  ["oneDNN a fifth faster", [100, fine], [120, fine], "onednn"],
  ["both alike, oneDNN behind", [165, fine], [160, fine], "aten"],
  ["oneDNN fast by computing less exactly", [105, fine], [900, coarse], "aten"],
  ["libtorch's own less exact than fp32", [900, coarse], [105, fine], "onednn"],
  ["neither exact: libtorch's own", [100, coarse], [900, coarse], "aten"],
])("%s", (_, aten, onednn, better) => {
  const probe = (backend: GemmBackend, [gigaflops, error]: [number, number]) => ({
    backend,
    gigaflops,
    error,
  });
  expect(fasterBackend([probe("aten", aten), probe("onednn", onednn)])).toBe(better);
});

test.each(["aten", "onednn"])("SCALORA_GEMM_BACKEND=%s makes the choice without a measurement", (name) => {
  expect(chooseGemmBackend({ SCALORA_GEMM_BACKEND: name })).toEqual({ chosen: name, probes: [] });
});

const measured = (chosen: GemmBackend) => {
  const measure = vi.fn(() => ({ chosen, probes: [] }));
  return { measure, times: () => measure.mock.calls.length };
};

test("a machine measures once: later choices are the kept one, whatever a measurement would say", () => {
  const [first, second] = [measured("onednn"), measured("aten")];
  expect(chooseGemmBackend(cache(), first.measure).chosen).toBe("onednn");
  expect(chooseGemmBackend({ ...cache(), SCALORA_GEMM_BACKEND: "" }, second.measure)).toEqual({
    chosen: "onednn",
    probes: [],
  });
  expect([first.times(), second.times()]).toEqual([1, 0]);
  expect(chooseGemmBackend({ ...cache(), SCALORA_GEMM_BACKEND: "aten" }, second.measure).chosen).toBe("aten");
});

test("another number of threads has a choice of its own", () => {
  const before = threads();
  chooseGemmBackend(cache(), measured("onednn").measure);
  setThreads(before + 1);
  expect(chooseGemmBackend(cache(), measured("aten").measure).chosen).toBe("aten");
  setThreads(before);
  expect(chooseGemmBackend(cache(), measured("aten").measure).chosen).toBe("onednn");
});

test("of two processes that measure at once, the second uses the choice of the first", () => {
  const second = () => {
    chooseGemmBackend(cache(), measured("onednn").measure);
    return { chosen: "aten" as const, probes: [] };
  };
  expect(chooseGemmBackend(cache(), second).chosen).toBe("onednn");
  const [file = ""] = readdirSync(join(folder.path, "scalora", "gemm-backend"));
  expect(readdirSync(join(folder.path, "scalora", "gemm-backend"))).toEqual([file]);
});

test("a choice that cannot be read is made anew; where it cannot be kept, each start measures", () => {
  chooseGemmBackend(cache(), measured("aten").measure);
  const kept = join(folder.path, "scalora", "gemm-backend");
  for (const name of readdirSync(kept)) writeFileSync(join(kept, name), '{"backend": "m');
  expect(chooseGemmBackend(cache(), measured("onednn").measure).chosen).toBe("onednn");
  expect(chooseGemmBackend(cache(), measured("aten").measure).chosen).toBe("onednn");
  writeFileSync(join(folder.path, "file"), "");
  const elsewhere = { XDG_CACHE_HOME: join(folder.path, "file") };
  expect(chooseGemmBackend(elsewhere, measured("onednn").measure).chosen).toBe("onednn");
  expect(chooseGemmBackend(elsewhere, measured("aten").measure).chosen).toBe("aten");
});

test("a backend that is asked for and does not work is refused", () => {
  const fail = () => {
    throw new Error("no such operator");
  };
  expect(() => requireGemmBackend("onednn", "the run's record", fail)).toThrow(
    expect.objectContaining({
      code: "config",
      where: "the run's record",
      expected: "onednn",
      found: "no such operator",
    }),
  );
  requireGemmBackend("onednn", "the run's record");
  requireGemmBackend("aten", "the run's record", fail);
});

test("another SCALORA_GEMM_BACKEND is refused", () => {
  expect(() => chooseGemmBackend({ SCALORA_GEMM_BACKEND: "mkl" })).toThrow(
    expect.objectContaining({ code: "config", expected: "aten or onednn", found: "mkl" }),
  );
});
