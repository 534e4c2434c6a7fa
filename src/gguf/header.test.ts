import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ScaloraError } from "../util/errors.ts";
import {
  encodeMetadataValue,
  int32ArrayItem,
  type MetadataItem,
  stringArrayItem,
  stringItem,
  uint32Item,
} from "./encode-metadata.ts";
import { readGgufHeader } from "./header.ts";
import { ggufConfig, ggufTokenizer } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

const uint32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const uint64 = (value: bigint) => Buffer.from(BigUint64Array.of(value).buffer);
const name = (value: string) => encodeMetadataValue({ kind: "string", value }, false);
const item = ([key, value]: MetadataItem) => Buffer.concat([name(key), encodeMetadataValue(value, true)]);
const tensor = (label: string, { type = 0, shape = [4n], offset = 0n } = {}) =>
  Buffer.concat([name(label), uint32(shape.length), ...shape.map(uint64), uint32(type), uint64(offset)]);

interface Parts {
  version?: number;
  keys?: Buffer[];
  tensors?: Buffer[];
  keyCount?: bigint;
  tensorCount?: bigint;
  /** Bytes of data. */
  data?: number;
}

let written = 0;

function file({ version = 3, keys = [], tensors = [], keyCount, tensorCount, data = 0 }: Parts): string {
  const counts = [tensorCount ?? BigInt(tensors.length), keyCount ?? BigInt(keys.length)];
  const header = Buffer.concat([
    Buffer.from("GGUF"),
    uint32(version),
    ...counts.map(uint64),
    ...keys,
    ...tensors,
  ]);
  const path = join(folder, `${written++}.gguf`);
  writeFileSync(path, Buffer.concat([header, Buffer.alloc((-header.length & 31) + data)]));
  return path;
}

const huge = 2n ** 60n;
const list = (kind: number, length: bigint, ...rest: Buffer[]) =>
  Buffer.concat([name("k"), uint32(9), uint32(kind), uint64(length), ...rest]);

test("a sound file gives its metadata, and tensors with the slowest dimension first", () => {
  const keys = [
    item(stringItem("a", "ä")),
    item(uint32Item("b", 7)),
    item(stringArrayItem("c", ["x", ""])),
    item(int32ArrayItem("d", [-1, 2])),
  ];
  const tensors = [tensor("t", { shape: [4n, 2n] }), tensor("u", { type: 8, shape: [32n], offset: 32n })];
  const { metadata, tensors: found, size } = readGgufHeader(file({ keys, tensors, data: 66 }));
  expect([metadata.string("a"), metadata.count("b")]).toEqual(["ä", 7]);
  expect([metadata.strings("c"), metadata.numbers("d")]).toEqual([
    ["x", ""],
    [-1, 2],
  ]);
  expect(found.get("t")).toMatchObject({ shape: [2, 4], begin: size - 66, byteLength: 32 });
  expect(found.get("u")).toMatchObject({ shape: [32], begin: size - 34, byteLength: 34 });
});

describe("a file that lies gets an error with the place, what was expected and what was found", () => {
  const cases: readonly (readonly [string, Parts, RegExp])[] = [
    ["a version of the future", { version: 9 }, /version 2 or 3.*version 9/s],
    ["another byte order", { version: 3 << 24 }, /a big-endian file/],
    ["2^60 keys", { keyCount: huge }, /impossible.*number of metadata keys.*1152921504606846976/s],
    ["2^60 tensors", { tensorCount: huge }, /number of tensors/],
    ["more keys than there are", { keyCount: 3n }, /key 1 of 3/],
    ["a key of 2^60 bytes", { keys: [uint64(huge)] }, /key 1 of 1.*1152921504606846976/s],
    [
      "a string of 2^60 bytes",
      { keys: [Buffer.concat([name("k"), uint32(8), uint64(huge)])] },
      /key "k".*1152921504606846976/s,
    ],
    [
      "a string of 2^64 - 1 bytes",
      { keys: [Buffer.concat([name("k"), uint32(8), uint64(2n ** 64n - 1n)])] },
      /impossible.*18446744073709551615/s,
    ],
    ["a list of 2^60 numbers", { keys: [list(4, huge)] }, /key "k".*1152921504606846976/s],
    ["a list of 2^50 strings", { keys: [list(8, 2n ** 50n)] }, /key "k".*more bytes/s],
    ["a list of lists", { keys: [list(9, 1n)] }, /an array of type 9/],
    ["an unknown kind", { keys: [Buffer.concat([name("k"), uint32(77)])] }, /types 0 to 12.*kind 77/s],
    [
      "a key of more than 4096 bytes",
      { keys: [item(uint32Item("k".repeat(4097), 1))] },
      /key 1 of 1.*4096.*4097/s,
    ],
    ["no key", { keys: [item(uint32Item("", 1))] }, /empty.*key 1 of 1/s],
    [
      "a string of more than 16 MiB",
      { keys: [item(stringItem("k", "x".repeat(2 ** 24 + 1)))] },
      /key "k".*16777216.*16777217/s,
    ],
    [
      "long strings that together fill the memory",
      { keys: Array.from({ length: 5 }, (_, i) => item(stringItem(`k${i}`, "x".repeat(2 ** 24)))) },
      /key "k4".*67108864/s,
    ],
    [
      "a token of more than 64 KiB",
      { keys: [item(stringArrayItem("k", ["x".repeat(2 ** 16 + 1)]))] },
      /key "k".*65536.*65537/s,
    ],
    [
      "a list of more strings than any tokenizer has",
      { keys: [list(8, 2n ** 22n + 1n)], data: 2 ** 25 + 8 },
      /key "k".*4194304.*4194305/s,
    ],
    [
      "a key twice",
      { keys: [item(uint32Item("k", 1)), item(uint32Item("k", 1))] },
      /key "k".*twice|twice.*key "k"/s,
    ],
    [
      "a string that is no UTF-8",
      { keys: [Buffer.concat([uint64(1n), Buffer.from([255])])] },
      /not UTF-8.*ff/s,
    ],
    ["an alignment of 3", { keys: [item(uint32Item("general.alignment", 3))] }, /power of two.*3/s],
    [
      "a type that cannot be read",
      { tensors: [tensor("t", { type: 20 })] },
      /tensor "t".*Q8_0.*IQ4_NL.*quantisation/s,
    ],
    ["a type that does not exist", { tensors: [tensor("t", { type: 999 })] }, /type 999, unknown to GGUF/],
    ["five dimensions", { tensors: [tensor("t", { shape: [1n, 1n, 1n, 1n, 1n] })] }, /1 to 4.*5/s],
    ["no rows", { tensors: [tensor("t", { shape: [4n, 0n] })] }, /impossible shape.*\[0, 4\]/s],
    ["2^80 numbers", { tensors: [tensor("t", { shape: [2n ** 40n, 2n ** 40n] })] }, /impossible shape/],
    [
      "a row that blocks do not fill",
      { tensors: [tensor("t", { type: 8, shape: [33n] })] },
      /multiple of 32 values \(Q8_0\)/,
    ],
    [
      "an offset that is not aligned",
      { tensors: [tensor("t", { offset: 1n })], data: 64 },
      /not aligned.*32/s,
    ],
    [
      "an offset beyond the end",
      { tensors: [tensor("t", { offset: 2n ** 50n })], data: 64 },
      /a tensor.s size is wrong.*tensor "t"/s,
    ],
    [
      "more data than there is",
      { tensors: [tensor("t", { shape: [64n] })], data: 64 },
      /256 bytes from byte.*F32 \[64\]/s,
    ],
    [
      "tensors that overlap",
      { tensors: [tensor("t", { shape: [16n] }), tensor("u", { offset: 32n })], data: 64 },
      /tensor "u".*overlap|overlap.*tensor "u"/s,
    ],
    ["a tensor twice", { tensors: [tensor("t"), tensor("t")], data: 64 }, /twice/],
  ];
  test.each(cases)("%s", (_, parts, message) => {
    const path = file(parts);
    const error = caught(() => readGgufHeader(path));
    expect(error.code).toBe("format");
    expect(error.where).toContain(path);
    expect(error.message).toMatch(message);
  });
});

function caught(read: () => unknown): ScaloraError {
  try {
    read();
  } catch (error) {
    if (error instanceof ScaloraError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

describe("a file that says what cannot be used", () => {
  const llama = item(stringItem("general.architecture", "llama"));
  const gpt2 = [llama, item(stringItem("tokenizer.ggml.model", "gpt2"))];
  const tokens = item(stringArrayItem("tokenizer.ggml.tokens", ["a", "b", "ab"]));
  const pre = item(stringItem("tokenizer.ggml.pre", "gpt-2"));
  const cases: readonly (readonly [string, Buffer[], (path: string) => unknown, RegExp])[] = [
    ["no architecture", [], ggufConfig, /general.architecture/],
    [
      "another architecture",
      [item(stringItem("general.architecture", "mamba"))],
      ggufConfig,
      /llama, qwen2, qwen3, gemma2, gemma3.*mamba/s,
    ],
    [
      "an adapter",
      [llama, item(stringItem("general.type", "adapter"))],
      ggufConfig,
      /is an adapter.*PEFT folder/s,
    ],
    [
      "a part of a model",
      [llama, item(uint32Item("split.count", 3))],
      ggufConfig,
      /llama-gguf-split --merge.*3/s,
    ],
    ["no embedding", [llama], ggufConfig, /token_embd.weight/],
    ["a number as architecture", [item(uint32Item("general.architecture", 1))], ggufConfig, /a string.*1/s],
    [
      "another tokenizer",
      [llama, item(stringItem("tokenizer.ggml.model", "bert"))],
      ggufTokenizer,
      /gpt2.*llama.*bert/s,
    ],
    [
      "another pre-tokenizer",
      [...gpt2, tokens, item(stringItem("tokenizer.ggml.pre", "poro-chat"))],
      ggufTokenizer,
      /smollm.*poro-chat/s,
    ],
    ["no merges", [...gpt2, tokens, pre], ggufTokenizer, /tokenizer.ggml.merges/],
    [
      "a merge of no tokens",
      [...gpt2, tokens, pre, item(stringArrayItem("tokenizer.ggml.merges", ["a c"]))],
      ggufTokenizer,
      /two tokens.*a c/s,
    ],
    [
      "a token twice",
      [...gpt2, item(stringArrayItem("tokenizer.ggml.tokens", ["a", "a"])), pre],
      ggufTokenizer,
      /token 1.*no other token has/s,
    ],
    [
      "too few types",
      [...gpt2, tokens, pre, item(int32ArrayItem("tokenizer.ggml.token_type", [1]))],
      ggufTokenizer,
      /3 numbers.*1/s,
    ],
    [
      "a special token that is none",
      [...gpt2, tokens, pre, item(uint32Item("tokenizer.ggml.bos_token_id", 9))],
      ggufTokenizer,
      /from 0 to 2.*9/s,
    ],
  ];
  test.each(cases)("%s", (_, keys, read, message) => {
    const path = file({ keys });
    const error = caught(() => read(path));
    expect(error.where).toContain(path);
    expect(error.message).toMatch(message);
  });
});
