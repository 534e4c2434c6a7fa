import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Module } from "../nn/module.ts";
import { arange, type Tensor, transpose, view, zeros } from "../torch/index.ts";
import { hashModel } from "./model-hash.ts";

class Parameters extends Module {
  readonly bank: Tensor;
  readonly empty: Tensor;
  constructor(bank: Tensor, empty: Tensor) {
    super();
    this.bank = bank;
    this.empty = empty;
  }
}

test("the hash is over names, dtypes, shapes and row-major values, however large a tensor and whatever its strides", () => {
  const [rows, columns] = [(1 << 18) + 3, 2];
  using flat = arange(0, rows * columns, { dtype: "float32", device: "cpu" });
  using matrix = view(flat, [columns, rows]);
  using model = new Parameters(transpose(matrix, 0, 1), zeros([0], { dtype: "bfloat16", device: "cpu" }));
  const values = Float32Array.from(
    { length: rows * columns },
    (_, i) => (i % columns) * rows + Math.floor(i / columns),
  );
  const expected = createHash("sha256")
    .update(`bank\0float32\0${rows},${columns}\0`)
    .update(values)
    .update("empty\0bfloat16\x000\0")
    .digest("hex");
  expect(hashModel(model)).toBe(expected);
});
