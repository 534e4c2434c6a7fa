import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { type DType, fromData, liveTensorCount, type TensorData, transpose } from "../torch/index.ts";
import { readSafetensorsHeader, SafetensorsFile, writeSafetensors } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-tensors-"));
afterAll(() => rmSync(folder, { recursive: true }));

const samples: [DType, TensorData][] = [
  ["float32", Float32Array.of(1.5, -0, Number.NaN, Number.POSITIVE_INFINITY)],
  ["float64", Float64Array.of(Math.PI, -1e300)],
  ["bfloat16", Uint16Array.of(0x3f80, 0xffff, 1)],
  ["float16", Uint16Array.of(0x3c00)],
  ["int64", BigInt64Array.of(2n ** 62n, -1n)],
  ["int32", Int32Array.of(-5)],
  ["int16", Int16Array.of(-32768, 3)],
  ["int8", Int8Array.of(-128)],
  ["uint8", Uint8Array.of(255, 0, 7)],
  ["bool", Uint8Array.of(1, 0)],
];

test("every dtype comes back bit for bit, aligned, with its metadata", () => {
  const path = join(folder, "all.safetensors");
  const tensors = samples.map(
    ([dtype, data]) => [dtype as string, fromData(data, [data.length], { dtype, device: "cpu" })] as const,
  );
  const scalar = fromData(Float32Array.of(3), [], { device: "cpu" });
  const empty = fromData(new Float32Array(0), [0, 4], { device: "cpu" });
  writeSafetensors(path, [...tensors, ["scalar", scalar], ["empty", empty]], { format: "pt", note: "é\n" });
  for (const [, tensor] of tensors) tensor.dispose();
  scalar.dispose();
  empty.dispose();
  const { entries, metadata } = readSafetensorsHeader(path);
  expect([...metadata]).toEqual([
    ["format", "pt"],
    ["note", "é\n"],
  ]);
  using file = SafetensorsFile.open(path);
  for (const [dtype, data] of samples) {
    const { begin } = entries.get(dtype) ?? expect.fail(`no tensor ${dtype}`);
    expect(begin % data.BYTES_PER_ELEMENT, dtype).toBe(0);
    using tensor = file.tensor(dtype);
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.data()).toEqual(data);
  }
  using readScalar = file.tensor("scalar");
  expect([readScalar.shape, readScalar.item()]).toEqual([[], 3]);
  using readEmpty = file.tensor("empty");
  expect(readEmpty.shape).toEqual([0, 4]);
});

test("views are written as they read, and equal content gives equal bytes", () => {
  using matrix = fromData(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3], { device: "cpu" });
  using turned = transpose(matrix, 0, 1);
  const [first, second] = [join(folder, "1.safetensors"), join(folder, "2.safetensors")];
  writeSafetensors(first, [
    ["a", turned],
    ["b", matrix],
  ]);
  writeSafetensors(second, [
    ["b", matrix],
    ["a", turned],
  ]);
  expect(readFileSync(first)).toEqual(readFileSync(second));
  using file = SafetensorsFile.open(first);
  using read = file.tensor("a");
  expect([read.shape, [...read.toFloats()]]).toEqual([
    [3, 2],
    [1, 4, 2, 5, 3, 6],
  ]);
});

test("a lazy tensor is made when its turn comes and freed after", () => {
  const path = join(folder, "lazy.safetensors");
  const before = liveTensorCount();
  writeSafetensors(path, [
    ["x", { shape: [2], dtype: "int32", load: () => fromData(Int32Array.of(4, 5), [2], { device: "cpu" }) }],
  ]);
  expect(liveTensorCount()).toBe(before);
  const wrong = {
    shape: [2],
    dtype: "float32" as const,
    load: () => fromData(Int32Array.of(4, 5), [2], { device: "cpu" }),
  };
  expect(() => writeSafetensors(join(folder, "wrong.safetensors"), [["x", wrong]])).toThrow(
    "is int32, not F32",
  );
  expect(readdirSync(folder).filter((name) => name.includes("wrong"))).toEqual([]);
});

test("a bad name, a bad folder and an unknown tensor are clear errors that leave nothing behind", () => {
  using tensor = fromData(Float32Array.of(1), [1], { device: "cpu" });
  const path = join(folder, "names.safetensors");
  for (const names of [["a", "a"], ["__metadata__"], ["\ud800"]]) {
    expect(() =>
      writeSafetensors(
        path,
        names.map((name) => [name, tensor]),
      ),
    ).toThrow("A tensor cannot be named");
  }
  expect(() => writeSafetensors(join(folder, "none", "x.safetensors"), [["a", tensor]])).toThrow(
    "Cannot write the safetensors file",
  );
  expect(readdirSync(folder).filter((name) => name.includes("names") || name.includes(".tmp"))).toEqual([]);
  writeSafetensors(path, [["weight_a", tensor]]);
  expect(statSync(path).size % 8).toBe(4);
  using file = SafetensorsFile.open(path);
  expect(() => file.tensor("weight_b")).toThrow(
    refusal("format", { message: '"weight_b"', fix: '"weight_a"' }),
  );
});
