import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fromData } from "../torch/index.ts";
import { tensorTypeByName } from "./tensor-types.ts";
import { writeGguf } from "./write-gguf.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test.each([
  ["F32", Number.NaN, "not finite", "NaN"],
  ["Q4_K", Number.NEGATIVE_INFINITY, "not finite", "Infinity"],
  ["Q8_0", Number.NaN, "not finite", "NaN"],
  ["F16", 65_520, "too large for F16", "65520"],
  ["Q6_K", -1e6, "too large for Q6_K", "1000000"],
])(
  "a weight that a file cannot hold is named, and nothing is written: %s, %d",
  (type, bad, message, found) => {
    const path = join(scratch.path, "bad.gguf");
    const values = new Float32Array(512).fill(0.5);
    const tensor = (name: string, numbers: Float32Array) => ({
      name,
      type: tensorTypeByName(type),
      shape: [2, 256],
      load: () => fromData(numbers, [2, 256], { device: "cpu" }),
    });
    const spoilt = values.slice();
    spoilt[300] = bad;
    const tensors = [tensor("blk.0.attn_q.weight", values), tensor("blk.0.attn_v.weight", spoilt)];
    expect(() => writeGguf(path, [], tensors)).toThrow(
      refusal("model", { message, where: "blk.0.attn_v.weight", found }),
    );
    expect(existsSync(path)).toBe(false);
  },
);
