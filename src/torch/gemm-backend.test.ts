import { expect, test } from "vitest";
import { chooseGemmBackend, fasterBackend, type GemmBackend } from "./gemm-backend.ts";

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

test("an empty SCALORA_GEMM_BACKEND is none: both are measured", () => {
  const { probes } = chooseGemmBackend({ SCALORA_GEMM_BACKEND: "" });
  expect(probes.map(({ backend }) => backend)).toEqual(["aten", "onednn"]);
});

test("another SCALORA_GEMM_BACKEND is refused", () => {
  expect(() => chooseGemmBackend({ SCALORA_GEMM_BACKEND: "mkl" })).toThrow(
    expect.objectContaining({ code: "config", expected: "aten or onednn", found: "mkl" }),
  );
});
