import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeAdapterFolder } from "../adapters/peft/adapter-folder.ts";
import { readGgufHeader } from "../gguf/header.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fromData, scope } from "../torch/index.ts";
import { adapterToGguf } from "./adapter-to-gguf.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const description = {
  architecture: "qwen2",
  heads: { query: 2, key: 2 },
  tiedEmbeddings: true,
  metadata: [],
  ropeFactors: undefined,
};
const [q, k] = ["q_proj", "k_proj"].map((name) => `model.layers.0.self_attn.${name}`);
const both = [`${q}.lora_A`, `${q}.lora_B`, `${k}.lora_A`, `${k}.lora_B`];
const plain = { peft_type: "LORA", r: 4, lora_alpha: 8 };
let written = 0;

/** Exports an adapter of rank 4 whose factors are all ones. */
function exported(config: Record<string, unknown>, names = both): string {
  const folder = join(scratch.path, `${written++}`);
  const shape = (name: string) => (name.endsWith("A") ? [4, 8] : [8, 4]);
  scope(() => {
    const tensors = names.map(
      (name) =>
        [`${name}.weight`, fromData(new Float32Array(32).fill(1), shape(name), { device: "cpu" })] as const,
    );
    writeAdapterFolder(folder, { ...plain, ...config }, tensors);
  });
  adapterToGguf(folder, `${folder}.gguf`, description);
  return `${folder}.gguf`;
}

const alphaOf = (path: string) => readGgufHeader(path).metadata.number("adapter.lora.alpha");

test("the scale is PEFT's: one alpha, rsLoRA's by the root of the rank", () => {
  expect(alphaOf(exported({}))).toBe(8);
  expect(alphaOf(exported({ use_rslora: true }))).toBe(16);
});

test("patterns of alphas match the ends of paths, as in PEFT", () => {
  expect(alphaOf(exported({ alpha_pattern: { "[qk]_proj": 32 } }))).toBe(32);
  const path = exported({ alpha_pattern: { q_proj: 32 } });
  expect(alphaOf(path)).toBe(0);
  const { tensors } = readGgufHeader(path);
  const first = (name: string) =>
    readFileSync(path).readFloatLE((tensors.get(name) ?? expect.fail(name)).begin);
  expect(first("blk.0.attn_q.weight.lora_b")).toBe(32 / 4);
  expect(first("blk.0.attn_k.weight.lora_b")).toBe(8 / 4);
});

test.each([
  ["DoRA", { use_dora: true }, both, refusal("usage", { message: "DoRA", fix: "merged" })],
  [
    "another method",
    { peft_type: "IA3" },
    both,
    refusal("model", { message: "peft_type", expected: "LORA", found: "IA3" }),
  ],
  ["no alpha", { lora_alpha: null }, both, refusal("format", { message: "lora_alpha", found: "null" })],
  ["B without A", {}, both.slice(1), refusal("usage", { found: "q_proj.lora_B", fix: "--as merged" })],
  ["A without B", {}, both.slice(0, 3), refusal("usage", { found: "k_proj.lora_A", fix: "--as merged" })],
])("%s is refused", (_, config, names, refused) => {
  expect(() => exported(config, names)).toThrow(refused);
});
