import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { fromData } from "../../torch/index.ts";
import { stringArrayItem, stringItem } from "../encode-metadata.ts";
import { tensorTypeByName } from "../tensor-types.ts";
import { writeGguf } from "../write-gguf.ts";
import { checkImatrix, imatrixOf, readImatrix, writeImatrix } from "./imatrix.ts";

const scratch = temporaryFolder();
const at = (name: string) => join(scratch.path, name);
afterAll(scratch.remove);

const inputs = {
  dataset: "rows.jsonl",
  sums: new Map([["blk.0.attn_q.weight", Float64Array.of(1, 0.1, 700)]]),
  tokens: 700,
};

test("what is written is read back: mean squares in float32", () => {
  writeImatrix(at("whole.gguf"), inputs);
  const read = readImatrix(at("whole.gguf"));
  expect(read).toEqual(imatrixOf(at("whole.gguf"), inputs));
  expect(read).toMatchObject({ file: "whole.gguf", dataset: "rows.jsonl", chunks: 2 });
  const means = [1 / 700, Math.fround(0.1) / 700, 1].map(Math.fround);
  expect([...(read.means.get("blk.0.attn_q.weight") ?? [])]).toEqual(means);
});

/** Writes a file like an importance matrix, with these tensors. */
function write(name: string, tensors: Readonly<Record<string, number[]>>, type = "imatrix"): string {
  const f32 = tensorTypeByName("F32");
  const sources = Object.entries(tensors).map(([tensor, values]) => {
    const shape = [1, values.length];
    return {
      name: tensor,
      type: f32,
      shape,
      load: () => fromData(Float32Array.from(values), shape, { device: "cpu" }),
    };
  });
  writeGguf(
    at(name),
    [stringItem("general.type", type), stringArrayItem("imatrix.datasets", ["a"])],
    sources,
  );
  return at(name);
}

test("a matrix that no token reached counts all its columns alike", () => {
  const path = write("none.gguf", { "m.in_sum2": [0, 0], "m.counts": [0] });
  expect([...(readImatrix(path).means.get("m") ?? [])]).toEqual([1, 1]);
});

test.each([
  ["another-type.gguf", { "m.in_sum2": [1], "m.counts": [1] }, "model", { found: "type model" }],
  ["no-counts.gguf", { "m.in_sum2": [1] }, "imatrix", { where: "m.counts", found: "none" }],
  ["experts.gguf", { "m.in_sum2": [1, 2], "m.counts": [1, 1] }, "imatrix", { message: "experts" }],
  [
    "negative.gguf",
    { "m.in_sum2": [1, -2], "m.counts": [1] },
    "imatrix",
    { where: "m.in_sum2", found: "-2" },
  ],
])("%s is refused", (name, tensors, type, parts) => {
  expect(() => readImatrix(write(name, tensors, type))).toThrow(refusal("format", parts));
});

test("an importance matrix of another model is refused", () => {
  const imatrix = imatrixOf("a.imatrix.gguf", inputs);
  const check = (name: string, columns: number) => checkImatrix(imatrix, [{ name, shape: [8, columns] }]);
  expect(() => check("blk.0.attn_q.weight", 3)).not.toThrow();
  expect(() => check("blk.0.attn_q.weight", 4)).toThrow(
    refusal("usage", { where: "a.imatrix.gguf", found: "3" }),
  );
  expect(() => check("blk.9.attn_q.weight", 3)).toThrow(
    refusal("usage", { expected: "blk.9.attn_q.weight" }),
  );
});
