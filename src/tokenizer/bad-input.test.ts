import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { refusal } from "../testing/refusal.ts";
import {
  copyGoldenTokenizer,
  type Files,
  loadingError,
  temporary,
  writeTokenizerFolder,
} from "./testing/folders.ts";

describe("bad input", () => {
  const json = (change: (file: ReturnType<typeof smallest>) => object) => ({
    "tokenizer.json": change(smallest()),
  });
  const component = (place: string, value: object) => json((file) => ({ ...file, [place]: value }));
  const spm = (name: string, file: string) =>
    new Uint8Array(readFileSync(join(copyGoldenTokenizer(name), file)));

  test("a folder that is not there, or has no tokenizer", async () => {
    expect((await loadingError(join(temporary, "nowhere"))).code).toBe("model");
    const empty = await loadingError(writeTokenizerFolder({}));
    expect(empty.exitCode).toBe(2);
    expect(empty.expected).toBe(
      "one of tokenizer.json, tokenizer.model, spm.model, spiece.model, vocab.txt, or vocab.json with merges.txt",
    );
    expect((await loadingError(writeTokenizerFolder({ "vocab.json": {} }))).found).toContain("only");
  });

  test("a text so long that the library could end the process over it", async () => {
    const tokenizer = await loadTokenizer(copyGoldenTokenizer("llama3"));
    const refused = refusal("data", { expected: "at most 2,097,152 characters", found: "2,097,153" });
    const long = " ".repeat((1 << 21) + 1);
    await expect(tokenizer.encode(long)).rejects.toThrow(refused);
    await expect(tokenizer.encodePairs([["a", long]], 8)).rejects.toThrow(refused);
  });

  test.each<[string, Files, string]>([
    ["not JSON", { "tokenizer.json": "{" }, "expected: JSON"],
    ["not UTF-8", { "tokenizer.json": Uint8Array.of(0xff, 0xfe) }, "expected: a UTF-8 text file"],
    ["no model", { "tokenizer.json": {} }, "model: an object"],
    [
      "numbers used twice",
      json((f) => ({ ...f, model: { ...f.model, vocab: { a: 0, b: 0 } } })),
      "a unique token id",
    ],
    ["a huge number", json((f) => ({ ...f, model: { ...f.model, vocab: { a: 2 ** 31 } } })), "a token id"],
    ["a merge of no tokens", json((f) => ({ ...f, model: { ...f.model, merges: [["a", "z"]] } })), "z"],
    ["an added number", json((f) => ({ ...f, added_tokens: [{ id: 9, content: "<x>" }] })), "with number 3"],
    [
      "an added token that vanishes",
      json((f) => ({
        ...f,
        normalizer: { type: "Replace", pattern: { String: "x" }, content: "" },
        added_tokens: [{ id: 3, content: "x", normalized: true }],
      })),
      "added tokens that the normaliser leaves",
    ],
    ["an unknown component", component("normalizer", { type: "Nothing" }), "the tokenizers library can load"],
    ["no charsmap", component("normalizer", { type: "Precompiled" }), "no precompiled_charsmap"],
    [
      "a short charsmap",
      component("normalizer", { type: "Precompiled", precompiled_charsmap: "AAA=" }),
      "2 bytes",
    ],
    [
      "a wild charsmap",
      component("normalizer", { type: "Precompiled", precompiled_charsmap: wildCharsmap() }),
      "outside",
    ],
    [
      "a template of nothing",
      component("post_processor", template([{ SpecialToken: { id: "<s>", type_id: 0 } }])),
      "<s>",
    ],
    ["a template without text", component("post_processor", template([])), "exactly once"],
    [
      "nested faults",
      component("pre_tokenizer", { type: "Sequence", pretokenizers: [{ type: "FixedLength", length: 0 }] }),
      "length 0",
    ],
    [
      "words that may be tried for ever",
      component("pre_tokenizer", {
        type: "Split",
        pattern: { Regex: "(x+x+)+y" },
        behavior: "Isolated",
        invert: false,
      }),
      "(x+x+)+y",
    ],
    ["stripping ends", component("decoder", { type: "Strip", content: " ", start: 0, stop: 1 }), "stop 1"],
    [
      "merges without the prefix",
      json((f) => ({ ...f, model: { ...f.model, continuing_subword_prefix: "##" } })),
      'merge ["a","b"] lacks ##',
    ],
    [
      "settings",
      { ...json((f) => f), "tokenizer_config.json": { bos_token: 5, add_bos_token: 1 } },
      "add_bos_token",
    ],
    [
      "contradictions",
      { ...json((f) => f), "tokenizer_config.json": { added_tokens_decoder: { 1: { content: "<s>" } } } },
      "b with number 1",
    ],
    [
      "a cut model",
      { "tokenizer.model": spm("llama", "tokenizer.model").subarray(0, 4000) },
      "beyond the end, at byte",
    ],
    ["an empty model", { "spm.model": "" }, "no pieces"],
    ["not a model", { "spm.model": "hello" }, "protobuf"],
    ["a tiktoken file", { "tokenizer.model": "IQ== 0\nIg== 1\n" }, "tiktoken"],
    [
      "a class with numbers of its own",
      {
        "tokenizer.model": spm("llama", "tokenizer.model"),
        "tokenizer_config.json": { tokenizer_class: "XLMRobertaTokenizer" },
      },
      "XLMRobertaTokenizer",
    ],
    ["an empty vocab.txt", { "vocab.txt": "" }, "an empty file"],
    ["a vocab.txt without [UNK]", { "vocab.txt": "a\nb\n" }, "the unknown token [UNK]"],
    [
      "do_basic_tokenize",
      { "vocab.txt": "[UNK]\n", "tokenizer_config.json": { do_basic_tokenize: false } },
      "do_basic_tokenize: false",
    ],
    ["no byte-level vocabulary", { "vocab.json": { a: 0 }, "merges.txt": "" }, "none for 255"],
  ])("%s", async (_, files, message) => {
    const error = await loadingError(writeTokenizerFolder(files));
    expect(error.code).toBe("format");
    expect(error.message).toContain(message);
  });

  test.each([
    ["a b c", "two tokens with one space between"],
    ["a 犬", '"犬"'],
  ])("merges.txt line %j", async (line, message) => {
    const error = await loadingError(
      copyGoldenTokenizer("gpt2", { "merges.txt": `#version: 0.2\n${line}\n` }),
    );
    expect(error.where).toMatch(/merges\.txt:2$/);
    expect(error.message).toContain(message);
  });
});

function smallest() {
  return {
    version: "1.0",
    added_tokens: [],
    model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: [["a", "b"]] },
  };
}

function template(single: object[]): object {
  return { type: "TemplateProcessing", single, pair: [], special_tokens: {} };
}

/** A trie of two units whose root points far outside. */
function wildCharsmap(): string {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(8, 0);
  bytes.writeUInt32LE(0xffff_ffff, 4);
  return bytes.toString("base64");
}
