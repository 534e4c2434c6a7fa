import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type FileRefusal, fileRefusal } from "../testing/refusal.ts";
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
  const cases: readonly (readonly [string, Parts, FileRefusal])[] = [
    [
      "a version of the future",
      { version: 9 },
      { expected: "version 2 or 3, little-endian", found: "version 9" },
    ],
    ["another byte order", { version: 3 << 24 }, { found: "a big-endian file" }],
    [
      "2^60 keys",
      { keyCount: huge },
      {
        where: ", the number of metadata keys",
        expected: "at most the 32 bytes of the file",
        found: "1152921504606846976",
      },
    ],
    [
      "2^60 tensors",
      { tensorCount: huge },
      { where: ", the number of tensors", found: "1152921504606846976" },
    ],
    ["more keys than there are", { keyCount: 3n }, { where: ", key 1 of 3", message: "A name is empty" }],
    [
      "a key of 2^60 bytes",
      { keys: [uint64(huge)] },
      { where: ", key 1 of 1", found: "1152921504606846976" },
    ],
    [
      "a string of 2^60 bytes",
      { keys: [Buffer.concat([name("k"), uint32(8), uint64(huge)])] },
      { where: ', key "k"', found: "1152921504606846976" },
    ],
    [
      "a string of 2^64 - 1 bytes",
      { keys: [Buffer.concat([name("k"), uint32(8), uint64(2n ** 64n - 1n)])] },
      { where: ', key "k"', found: "18446744073709551615" },
    ],
    [
      "a list of 2^60 numbers",
      { keys: [list(4, huge)] },
      { where: ', key "k"', found: "1152921504606846976" },
    ],
    [
      "a list of 2^50 strings",
      { keys: [list(8, 2n ** 50n)] },
      { where: ', key "k"', expected: "9007199254740992 more bytes at byte 49" },
    ],
    ["a list of lists", { keys: [list(9, 1n)] }, { where: ', key "k"', found: "an array of type 9" }],
    [
      "an unknown kind",
      { keys: [Buffer.concat([name("k"), uint32(77)])] },
      { where: ', key "k"', found: "kind 77" },
    ],
    [
      "a key of more than 4096 bytes",
      { keys: [item(uint32Item("k".repeat(4097), 1))] },
      { where: ", key 1 of 1", expected: "at most 4096 bytes", found: "4097" },
    ],
    ["no key", { keys: [item(uint32Item("", 1))] }, { where: ", key 1 of 1", message: "A name is empty" }],
    [
      "a string of more than 16 MiB",
      { keys: [item(stringItem("k", "x".repeat(2 ** 24 + 1)))] },
      { where: ', key "k"', expected: "at most 16777216 bytes", found: "16777217" },
    ],
    [
      "long strings that together fill the memory",
      { keys: Array.from({ length: 5 }, (_, i) => item(stringItem(`k${i}`, "x".repeat(2 ** 24)))) },
      { where: ', key "k4"', expected: expect.stringContaining("67108864") },
    ],
    [
      "a token of more than 64 KiB",
      { keys: [item(stringArrayItem("k", ["x".repeat(2 ** 16 + 1)]))] },
      { where: ', key "k"', expected: "at most 65536 bytes", found: "65537" },
    ],
    [
      "a list of more strings than any tokenizer has",
      { keys: [list(8, 2n ** 22n + 1n)], data: 2 ** 25 + 8 },
      { where: ', key "k"', expected: "at most 4194304 strings", found: "4194305" },
    ],
    [
      "a key twice",
      { keys: [item(uint32Item("k", 1)), item(uint32Item("k", 1))] },
      { where: ', key "k"', message: "twice" },
    ],
    [
      "a string that is no UTF-8",
      { keys: [Buffer.concat([uint64(1n), Buffer.from([255])])] },
      { where: ", key 1 of 1", found: "ff" },
    ],
    [
      "an alignment of 3",
      { keys: [item(uint32Item("general.alignment", 3))] },
      { where: ', key "general.alignment"', expected: "a power of two from 8 to 2^20", found: "3" },
    ],
    [
      "a type that cannot be read",
      { tensors: [tensor("t", { type: 20 })] },
      { where: ', tensor "t"', found: "IQ4_NL" },
    ],
    [
      "a type that does not exist",
      { tensors: [tensor("t", { type: 999 })] },
      { where: ', tensor "t"', found: "type 999, unknown to GGUF" },
    ],
    [
      "five dimensions",
      { tensors: [tensor("t", { shape: [1n, 1n, 1n, 1n, 1n] })] },
      { where: ', tensor "t"', expected: "1 to 4", found: "5" },
    ],
    ["no rows", { tensors: [tensor("t", { shape: [4n, 0n] })] }, { where: ', tensor "t"', found: "[0, 4]" }],
    [
      "2^80 numbers",
      { tensors: [tensor("t", { shape: [2n ** 40n, 2n ** 40n] })] },
      { where: ', tensor "t"', found: "[1099511627776, 1099511627776]" },
    ],
    [
      "a row that blocks do not fill",
      { tensors: [tensor("t", { type: 8, shape: [33n] })] },
      { where: ', tensor "t"', expected: expect.stringContaining("32 values (Q8_0)"), found: "[33]" },
    ],
    [
      "an offset that is not aligned",
      { tensors: [tensor("t", { offset: 1n })], data: 64 },
      { where: ', tensor "t"', expected: "an offset that is a multiple of 32", found: "1" },
    ],
    [
      "an offset beyond the end",
      { tensors: [tensor("t", { offset: 2n ** 50n })], data: 64 },
      {
        where: ', tensor "t"',
        expected: "16 bytes from byte 1125899906842688 on (F32 [4])",
        found: "a file of 128 bytes",
      },
    ],
    [
      "more data than there is",
      { tensors: [tensor("t", { shape: [64n] })], data: 64 },
      {
        where: ', tensor "t"',
        expected: "256 bytes from byte 64 on (F32 [64])",
        found: "a file of 128 bytes",
      },
    ],
    [
      "tensors that overlap",
      { tensors: [tensor("t", { shape: [16n] }), tensor("u", { offset: 32n })], data: 64 },
      { where: ', tensor "u"', message: "overlap" },
    ],
    [
      "a tensor twice",
      { tensors: [tensor("t"), tensor("t")], data: 64 },
      { where: ', tensor "t"', message: "twice" },
    ],
  ];
  test.each(cases)("%s", (_, parts, fields) => {
    const path = file(parts);
    expect(() => readGgufHeader(path)).toThrow(fileRefusal("format", path, fields));
  });
});

describe("a file that says what cannot be used", () => {
  const llama = item(stringItem("general.architecture", "llama"));
  const gpt2 = [llama, item(stringItem("tokenizer.ggml.model", "gpt2"))];
  const tokens = item(stringArrayItem("tokenizer.ggml.tokens", ["a", "b", "ab"]));
  const pre = item(stringItem("tokenizer.ggml.pre", "gpt-2"));
  const cases: readonly (readonly [string, Buffer[], (path: string) => unknown, FileRefusal])[] = [
    ["no architecture", [], ggufConfig, { expected: "general.architecture" }],
    [
      "another architecture",
      [item(stringItem("general.architecture", "mamba"))],
      ggufConfig,
      {
        where: ', key "general.architecture"',
        expected: "llama, qwen2, qwen3, gemma2, gemma3",
        found: '"mamba"',
      },
    ],
    [
      "an adapter",
      [llama, item(stringItem("general.type", "adapter"))],
      ggufConfig,
      { found: "an adapter (general.type)" },
    ],
    [
      "a part of a model",
      [llama, item(uint32Item("split.count", 3))],
      ggufConfig,
      {
        where: ', key "split.count"',
        expected: "a model in one file (join them with llama-gguf-split --merge)",
        found: "3",
      },
    ],
    ["no embedding", [llama], ggufConfig, { expected: expect.stringContaining("token_embd.weight") }],
    [
      "a number as architecture",
      [item(uint32Item("general.architecture", 1))],
      ggufConfig,
      { where: ', key "general.architecture"', found: "1" },
    ],
    [
      "another tokenizer",
      [llama, item(stringItem("tokenizer.ggml.model", "bert"))],
      ggufTokenizer,
      { where: ', key "tokenizer.ggml.model"', found: '"bert"' },
    ],
    [
      "another pre-tokenizer",
      [...gpt2, tokens, item(stringItem("tokenizer.ggml.pre", "poro-chat"))],
      ggufTokenizer,
      { where: ', key "tokenizer.ggml.pre"', found: '"poro-chat"' },
    ],
    ["no merges", [...gpt2, tokens, pre], ggufTokenizer, { expected: "tokenizer.ggml.merges" }],
    [
      "a merge of no tokens",
      [...gpt2, tokens, pre, item(stringArrayItem("tokenizer.ggml.merges", ["a c"]))],
      ggufTokenizer,
      { where: ', key "tokenizer.ggml.merges"', found: '"a c"' },
    ],
    [
      "a token twice",
      [...gpt2, item(stringArrayItem("tokenizer.ggml.tokens", ["a", "a"])), pre],
      ggufTokenizer,
      { where: ", token 1", found: '"a", as token 0' },
    ],
    [
      "too few types",
      [...gpt2, tokens, pre, item(int32ArrayItem("tokenizer.ggml.token_type", [1]))],
      ggufTokenizer,
      { where: ', key "tokenizer.ggml.token_type"', expected: "3 numbers, one for each token", found: '"1"' },
    ],
    [
      "a special token that is none",
      [...gpt2, tokens, pre, item(uint32Item("tokenizer.ggml.bos_token_id", 9))],
      ggufTokenizer,
      { where: ', key "tokenizer.ggml.bos_token_id"', expected: "a token from 0 to 2", found: "9" },
    ],
  ];
  test.each(cases)("%s", (_, keys, read, fields) => {
    const path = file({ keys });
    expect(() => read(path)).toThrow(fileRefusal("format", path, fields));
  });
});
