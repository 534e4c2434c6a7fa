import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fromData } from "../torch/index.ts";
import { mapTuple } from "../util/elements.ts";
import { float32Item, int32ArrayItem, type MetadataItem, stringItem, uint32Item } from "./encode-metadata.ts";
import { endTokenItems } from "./end-tokens.ts";
import { ggufConfig, ggufGenerationConfig } from "./index.ts";
import { llama3Factors } from "./rope-scaling.ts";
import { tensorTypeByName } from "./tensor-types.ts";
import { writeGguf } from "./write-gguf.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const type = tensorTypeByName("F32");
const tensor = (name: string, values: Float32Array, shape = [values.length]) => ({
  name,
  type,
  shape,
  load: () => fromData(values, shape, { device: "cpu" }),
});

/** Keys of a Llama of two layers with heads of four numbers. */
const keys = [
  stringItem("general.architecture", "llama"),
  uint32Item("llama.embedding_length", 8),
  uint32Item("llama.feed_forward_length", 8),
  uint32Item("llama.context_length", 64),
  uint32Item("llama.attention.head_count", 2),
];
const layers = (...numbers: number[]) =>
  numbers.map((layer) => tensor(`blk.${layer}.attn_norm.weight`, new Float32Array(8)));

let written = 0;

function file(own: readonly MetadataItem[], tensors = layers(0, 1), blocks = 2): string {
  const path = join(scratch.path, `${written++}.gguf`);
  const embedding = tensor("token_embd.weight", new Float32Array(24), [3, 8]);
  writeGguf(path, [...keys, uint32Item("llama.block_count", blocks), ...own], [embedding, ...tensors]);
  return path;
}

describe("the number of layers is that of the tensors'", () => {
  test("as many", () => {
    expect(ggufConfig(file([]))).toMatchObject({ num_hidden_layers: 2 });
  });

  test.each([
    ["far more", layers(0, 1), 1e8],
    ["fewer", layers(0, 1), 1],
    ["a lone tensor of a far layer", layers(0, 99_999_999), 1e8],
    ["none", [], 1],
  ])("%s: refused before a layer is built", (_, tensors, blocks) => {
    expect(() => ggufConfig(file([], tensors, blocks))).toThrow(
      refusal("format", {
        where: 'key "llama.block_count"',
        found: new RegExp(`^${blocks}, .* ${tensors.length} layers`),
      }),
    );
  });
});

describe("how rotary positions are stretched", () => {
  const scaling = (...own: MetadataItem[]) => ggufConfig(file(own))["rope_scaling"];
  const factor = float32Item("llama.rope.scaling.factor", 4);

  test("a factor without a type is linear, by the old key too; 0 is none", () => {
    expect(scaling()).toBeUndefined();
    expect(scaling(factor)).toEqual({ rope_type: "linear", factor: 4 });
    expect(scaling(float32Item("llama.rope.scale_linear", 2))).toEqual({ rope_type: "linear", factor: 2 });
    expect(scaling(factor, stringItem("llama.rope.scaling.type", "none"))).toBeUndefined();
    expect(scaling(float32Item("llama.rope.scaling.factor", 0))).toBeUndefined();
  });

  test("what no config says is refused", () => {
    expect(scaling(float32Item("llama.rope.scaling.attn_factor", 1))).toBeUndefined();
    expect(() => scaling(float32Item("llama.rope.scaling.attn_factor", 2))).toThrow(
      refusal("format", { where: "attn_factor", expected: /^1$/, found: /^2$/ }),
    );
    expect(() => scaling(stringItem("llama.rope.scaling.type", "linear"))).toThrow(
      refusal("format", { where: 'key "llama.rope.scaling.type"', expected: "yarn", found: '"linear"' }),
    );
  });

  test("Llama 3's frequencies must be one for each pair of a head, and stand alone", () => {
    const bounds = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
    const of = (headDim: number) =>
      tensor(
        "rope_freqs.weight",
        Float32Array.from(llama3Factors(10_000, headDim, { factor: 8, ...bounds })),
      );
    const read = (headDim: number, ...own: MetadataItem[]) =>
      ggufConfig(file(own, [...layers(0, 1), of(headDim)]))["rope_scaling"];
    expect(() => read(8)).toThrow(
      refusal("format", { where: 'tensor "rope_freqs.weight"', expected: "(4)", found: /^4$/ }),
    );
    expect(() => read(4, factor)).toThrow(
      refusal("format", { where: "rope.scaling.type", expected: "rope_freqs.weight", found: '"linear"' }),
    );
  });
});

describe("tokens that end an output", () => {
  const end = (...own: MetadataItem[]) => ggufGenerationConfig(file(own))["eos_token_id"];
  const [eos, eot] = mapTuple(["eos", "eot"], (role, i) =>
    uint32Item(`tokenizer.ggml.${role}_token_id`, 7 + i),
  );
  const scored = stringItem("tokenizer.ggml.model", "llama");

  test("those that the file names, once each", () => {
    expect(end()).toBeUndefined();
    expect(end(eos)).toBe(7);
    expect(end(eot)).toBe(8);
    expect(end(eos, eot)).toEqual([7, 8]);
    expect(end(eos, uint32Item("tokenizer.ggml.eot_token_id", 7))).toBe(7);
  });

  test.each([
    { listed: [7], endOfTurn: undefined, keys: ["eos"] },
    { listed: [7, 8], endOfTurn: undefined, keys: ["eos", "eot", "list"] },
    { listed: [7], endOfTurn: 8, keys: ["eos", "eot", "list"] },
    { listed: [9, 8, 7], endOfTurn: 8, keys: ["eos", "eot", "eom", "list"] },
    { listed: [0, 9, 10, 11], endOfTurn: 8, keys: ["eos", "eot", "eom", "list"] },
    { listed: [], endOfTurn: undefined, keys: ["eos"] },
  ])(
    "$listed of a config and $endOfTurn of a template come back",
    ({ listed, endOfTurn, keys: expected }) => {
      const texts = Array.from({ length: 12 }, (_, i) => (i === 9 ? "<|endoftext|>" : `token ${i}`));
      const items = endTokenItems({ eos: 7, listed, endOfTurn }, texts);
      const all = [...new Set([...listed, ...(endOfTurn === undefined ? [] : [endOfTurn])])];
      expect([end(eos, ...items) ?? []].flat()).toEqual(all.length === 0 ? [7] : all);
      const names = items.map(([key]) => /(eot|eom)_token_id$/.exec(key)?.[1] ?? "list");
      expect(["eos", ...names]).toEqual(expected);
      // The one that llama.cpp knows by its text gives way to others.
      const values = items.flatMap(([, value]) => (value.kind === "uint32" ? value.value : []));
      if (listed.length > 3) expect(values).toEqual([8, 0]);
    },
  );

  test("a template's token that llama.cpp knows by its text gives its key to others that need it", () => {
    const texts = Array.from({ length: 12 }, (_, i) => (i === 9 ? "<|im_end|>" : `token ${i}`));
    const idsOf = (...listed: number[]) =>
      endTokenItems({ eos: 7, listed, endOfTurn: 9 }, texts).flatMap(([, value]) =>
        value.kind === "uint32" ? value.value : [],
      );
    expect(idsOf(7, 9)).toEqual([9]);
    expect(idsOf(7, 10, 9)).toEqual([9, 10]);
    expect(idsOf(7, 10, 11, 9)).toEqual([10, 11]);
  });

  test("a list that holds no token ids is refused", () => {
    const list = int32ArrayItem("tokenizer.ggml.eos_token_ids", [7, -1]);
    expect(() => end(eos, list)).toThrow(refusal("format", { where: "eos_token_ids", found: "-1" }));
  });

  test("SentencePiece's own number where it names none", () => {
    expect(end(scored)).toBe(2);
    expect(end(scored, eot)).toEqual([2, 8]);
    expect(ggufConfig(file([scored]))).toMatchObject({ bos_token_id: 1, eos_token_id: 2 });
  });
});
