import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { type GemmBackend, useGemmBackend } from "./gemm-backend.ts";
import { chooseGemmBackend, lookUpGemmBackend } from "./gemm-choice.ts";
import type { GemmVerdict } from "./gemm-verdict.ts";
import { processor } from "./processor.ts";
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
const keptFiles = () => readdirSync(join(folder.path, "scalora", "gemm-backend"));

const verdictFor = (backend: GemmBackend): GemmVerdict => ({
  backend,
  errors: { aten: 1e-7, onednn: 2e-7 },
  timing: { rates: { aten: 90, onednn: 95 }, speedup: { low: 1.04, median: 1.05, high: 1.06 } },
});
const tooBusy = () => undefined;
const never = () => {
  throw new Error("nothing was to be measured");
};

test.each(["aten", "onednn"])("SCALORA_GEMM_BACKEND=%s makes the choice without a measurement", (name) => {
  const env = { ...cache(), SCALORA_GEMM_BACKEND: name };
  expect(chooseGemmBackend(env, never)).toEqual({ chosen: name, by: "environment" });
});

test("a machine measures once: later choices are the kept one, whatever a measurement would say", () => {
  const verdict = verdictFor("onednn");
  const choice = { chosen: "onednn", by: "measurement", verdict };
  expect(chooseGemmBackend(cache(), () => verdict)).toEqual(choice);
  expect(chooseGemmBackend({ ...cache(), SCALORA_GEMM_BACKEND: "" }, never)).toEqual(choice);
  expect(chooseGemmBackend({ ...cache(), SCALORA_GEMM_BACKEND: "aten" }, never).chosen).toBe("aten");
});

test("without oneDNN libtorch's own backend is used, nothing is measured, and the other is refused", () => {
  expect(chooseGemmBackend(cache(), never, false)).toEqual({ chosen: "aten", by: "absence" });
  const pinned = (name: string) => ({ ...cache(), SCALORA_GEMM_BACKEND: name });
  expect(chooseGemmBackend(pinned("aten"), never, false).chosen).toBe("aten");
  expect(() => chooseGemmBackend(pinned("onednn"), never, false)).toThrow(
    refusal("config", { where: "SCALORA_GEMM_BACKEND", found: "onednn", fix: "unset" }),
  );
});

test("a machine that is too busy for a verdict keeps nothing, and uses aten until the process ends", async () => {
  const unsure = { chosen: "aten", by: "unsure" };
  expect(chooseGemmBackend(cache(), tooBusy)).toEqual(unsure);
  expect(chooseGemmBackend(cache(), never)).toEqual(unsure);
  expect(readdirSync(folder.path)).toEqual([]);
  vi.resetModules();
  const next = await import("./gemm-choice.ts");
  expect(next.chooseGemmBackend(cache(), () => verdictFor("onednn")).chosen).toBe("onednn");
});

test("what is kept names the processor, and can be looked up", () => {
  const { file, ...before } = lookUpGemmBackend(cache());
  expect(before).toEqual({});
  const choice = chooseGemmBackend(cache(), () => verdictFor("aten"));
  expect(lookUpGemmBackend(cache())).toEqual({ file, choice });
  const { machine } = JSON.parse(readFileSync(file, "utf8"));
  expect(machine).toMatchObject({ processor: processor().name, threads: threads() });
});

test("another number of threads, or another engine, has a choice of its own", () => {
  const before = threads();
  chooseGemmBackend(cache(), () => verdictFor("onednn"));
  setThreads(before + 1);
  expect(chooseGemmBackend(cache(), () => verdictFor("aten")).chosen).toBe("aten");
  setThreads(before);
  expect(chooseGemmBackend(cache(), never).chosen).toBe("onednn");
  const other = { ...cache(), SCALORA_LIBTORCH: folder.path };
  expect(chooseGemmBackend(other, () => verdictFor("aten")).chosen).toBe("aten");
});

test("of two processes that measure at once, the second uses the choice of the first", () => {
  const second = () => {
    chooseGemmBackend(cache(), () => verdictFor("onednn"));
    return verdictFor("aten");
  };
  expect(chooseGemmBackend(cache(), second).chosen).toBe("onednn");
  expect(keptFiles()).toHaveLength(1);
});

test("a choice that cannot be read is made anew; where it cannot be kept, each start measures", () => {
  const { file } = lookUpGemmBackend(cache());
  mkdirSync(dirname(file), { recursive: true });
  for (const text of ['{"backend": "m', '{"backend": "onednn", "probes": []}']) {
    writeFileSync(file, text);
    expect(chooseGemmBackend(cache(), () => verdictFor("aten")).chosen).toBe("aten");
    expect(chooseGemmBackend(cache(), never).chosen).toBe("aten");
  }
  writeFileSync(join(folder.path, "file"), "");
  const elsewhere = { XDG_CACHE_HOME: join(folder.path, "file") };
  for (const backend of ["onednn", "aten"] as const)
    expect(chooseGemmBackend(elsewhere, () => verdictFor(backend)).chosen).toBe(backend);
});

test("another SCALORA_GEMM_BACKEND is refused", () => {
  const env = { ...cache(), SCALORA_GEMM_BACKEND: "mkl" };
  for (const act of [chooseGemmBackend, lookUpGemmBackend])
    expect(() => act(env)).toThrow(refusal("config", { expected: "aten or onednn", found: "mkl" }));
});
