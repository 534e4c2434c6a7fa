import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { ModelConfig } from "../config/index.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { loadedModelBytes } from "./loaded-model-bytes.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("weights that are mapped take nothing, converted and quantised ones their size", () => {
  const path = join(scratch.path, "model");
  writeTinyLlama(path);
  const bytes = (config: Partial<ModelConfig>) =>
    loadedModelBytes({ path, dtype: "float32", device: "cpu", quantization: "none", ...config });
  // Two embeddings, and in each of two layers q, o, k, v, gate, up, down and two norms, and the last norm.
  const [outside, linear, norms] = [2 * 260 * 32, 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 48), 5 * 32];
  expect(bytes({})).toBe(0);
  expect(bytes({ dtype: "bfloat16" })).toBe(2 * (outside + linear + norms));
  expect(bytes({ quantization: "nf4" })).toBeCloseTo(4 * (outside + norms) + 0.52 * linear, 6);
});
