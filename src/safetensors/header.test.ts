import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type FileRefusal, fileRefusal } from "../testing/refusal.ts";
import { ScaloraError } from "../util/errors.ts";
import { readSafetensorsHeader } from "./header.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of a header (text or bytes) and `data` zero bytes; `length` overrides the header's stated length. */
function file(header: string | Uint8Array, data: number, length?: bigint): string {
  const bytes = Buffer.from(header);
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length ?? BigInt(bytes.length));
  const path = join(folder, `${Math.random()}.safetensors`);
  writeFileSync(path, Buffer.concat([start, bytes, Buffer.alloc(data)]));
  return path;
}

const entry = (begin: number, end: number, shape = `[${(end - begin) / 4}]`, dtype = "F32") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

test("a good file gives its metadata and absolute offsets in data order", () => {
  const header = `{"__metadata__":{"format":"pt"},"b":${entry(8, 12)},"a":${entry(0, 8, "[2,1]")}}  `;
  const { metadata, entries, size } = readSafetensorsHeader(file(header, 12));
  const start = 8 + header.length;
  expect([...metadata]).toEqual([["format", "pt"]]);
  expect([...entries]).toEqual([
    ["a", { dtype: "F32", shape: [2, 1], begin: start, end: start + 8 }],
    ["b", { dtype: "F32", shape: [1], begin: start + 8, end: start + 12 }],
  ]);
  expect(size).toBe(start + 12);
});

test("scalars, empty tensors at a shared offset, sub-byte dtypes and an empty file are accepted", () => {
  const header = `{"e1":${entry(4, 4, "[0,3]")},"s":${entry(0, 4, "[]")},"e2":${entry(4, 4, "[0]")},"f":${entry(4, 7, "[2,3]", "F4")}}`;
  expect([...readSafetensorsHeader(file(header, 7)).entries.keys()]).toEqual(["s", "e1", "e2", "f"]);
  expect(readSafetensorsHeader(file("{}", 0)).entries.size).toBe(0);
});

test("a tensor named __proto__ is only a name", () => {
  const { entries } = readSafetensorsHeader(file(`{"__proto__":${entry(0, 4)}}`, 4));
  expect([...entries.keys()]).toEqual(["__proto__"]);
});

/** The place of an error in the header's JSON. */
const atCharacter = (at: number): FileRefusal => ({
  found: expect.stringContaining(`(character ${at} of the header)`),
});

const hostile: [string, () => string, FileRefusal][] = [
  ["no file", () => join(folder, "absent"), { found: expect.stringContaining("ENOENT") }],
  [
    "7 bytes",
    () => {
      const path = join(folder, "short");
      writeFileSync(path, Buffer.alloc(7));
      return path;
    },
    { expected: "at least 8 bytes", found: "7 bytes" },
  ],
  [
    "header length beyond the file",
    () => file("{}", 0, 3n),
    { expected: "at least 11 bytes for the header alone", found: "10 bytes" },
  ],
  [
    "header length of 2^64 − 1",
    () => file("{}", 0, 2n ** 64n - 1n),
    { expected: "at most 100000000 bytes", found: "18446744073709551615 bytes" },
  ],
  [
    "header length just above the limit",
    () => file("{}", 0, 100_000_001n),
    { expected: "at most 100000000 bytes", found: "100000001 bytes" },
  ],
  ["empty header", () => file("", 0), { found: "an empty header" }],
  ["leading space", () => file(" {}", 0), { found: "the byte 0x20" }],
  ["byte-order mark", () => file("\ufeff{}", 0), { found: "the byte 0xef" }],
  ["not UTF-8", () => file(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 0), { message: "UTF-8" }],
  ["JSON cut short", () => file('{"a":', 0), atCharacter(5)],
  ["trailing comma", () => file(`{"a":${entry(0, 4)},}`, 4), atCharacter(54)],
  ["text after the object", () => file("{}{}", 0), atCharacter(2)],
  ["NUL padding", () => file("{}\u0000\u0000", 0), atCharacter(2)],
  [
    "duplicate tensor",
    () => file(`{"a":${entry(0, 4)},"a":${entry(0, 4)}}`, 4),
    { found: 'duplicate key "a" (character 54 of the header)' },
  ],
  [
    "duplicate tensor, escaped",
    () => file(`{"a":${entry(0, 4)},"\\u0061":${entry(0, 4)}}`, 4),
    { found: 'duplicate key "a" (character 54 of the header)' },
  ],
  [
    "duplicate key inside a tensor",
    () => file(`{"a":{"dtype":"F32","dtype":"U8","shape":[1],"data_offsets":[0,4]}}`, 4),
    { found: 'duplicate key "dtype" (character 20 of the header)' },
  ],
  ["half a surrogate pair", () => file('{"\\ud800":1}', 0), atCharacter(1)],
  ["control character in a string", () => file('{"a\n":1}', 0), atCharacter(3)],
  ["deep nesting", () => file(`{"a":${"[".repeat(100_000)}`, 0), atCharacter(133)],
  ["metadata that is a list", () => file('{"__metadata__":[]}', 0), { message: "__metadata__ is not" }],
  ["metadata number", () => file('{"__metadata__":{"step":1}}', 0), { found: 'key "step"' }],
  [
    "description that is a list",
    () => file('{"a":[]}', 0),
    { where: ', tensor "a"', message: "description is not" },
  ],
  [
    "unknown dtype",
    () => file(`{"a":${entry(0, 4, "[1]", "F31")}}`, 4),
    { where: ', tensor "a"', found: '"F31"' },
  ],
  [
    "dtype that is a number",
    () => file('{"a":{"dtype":1,"shape":[],"data_offsets":[0,4]}}', 4),
    { where: ', tensor "a"', found: "no dtype name" },
  ],
  [
    "negative dimension",
    () => file(`{"a":${entry(0, 4, "[-1]")}}`, 4),
    { where: ', tensor "a"', message: "The shape is not" },
  ],
  [
    "fractional dimension",
    () => file(`{"a":${entry(0, 4, "[1.0]")}}`, 4),
    { where: ', tensor "a"', message: "The shape is not" },
  ],
  [
    "exponent dimension",
    () => file(`{"a":${entry(0, 4, "[1e0]")}}`, 4),
    { where: ', tensor "a"', message: "The shape is not" },
  ],
  [
    "dimension above 2^53",
    () => file(`{"a":${entry(0, 4, "[9007199254740993]")}}`, 4),
    { where: ', tensor "a"', message: "The shape is not" },
  ],
  [
    "no shape",
    () => file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4),
    { where: ', tensor "a"', message: "The shape is not" },
  ],
  [
    "one offset",
    () => file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', 4),
    { where: ', tensor "a"', message: "data_offsets is not" },
  ],
  [
    "offsets that run backwards",
    () => file(`{"a":${entry(4, 0, "[1]")}}`, 4),
    { where: ', tensor "a"', found: "[4, 0]" },
  ],
  [
    "product overflow",
    () => file(`{"a":${entry(0, 4, "[4294967296,4294967296]")}}`, 4),
    { where: ', tensor "a"', found: "shape [4294967296, 4294967296]" },
  ],
  [
    "overflow hidden by a zero",
    () => file(`{"a":${entry(0, 0, "[4294967296,4294967296,0]")}}`, 0),
    { where: ', tensor "a"', found: "shape [4294967296, 4294967296, 0]" },
  ],
  [
    "shape larger than the data",
    () => file(`{"a":${entry(0, 4, "[2]")}}`, 4),
    { where: ', tensor "a"', expected: "8 bytes for shape [2]", found: "4 bytes" },
  ],
  [
    "half a byte",
    () => file(`{"a":${entry(0, 2, "[3]", "F4")}}`, 2),
    { where: ', tensor "a"', found: "12 bits" },
  ],
  [
    "a hole before the first tensor",
    () => file(`{"a":${entry(4, 8)}}`, 8),
    { where: ', tensor "a"', expected: "data from byte 0", found: "from byte 4" },
  ],
  [
    "a hole between tensors",
    () => file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12),
    { where: ', tensor "b"', expected: "data from byte 4", found: "from byte 8" },
  ],
  [
    "overlap",
    () => file(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12),
    { where: ', tensor "b"', expected: "data from byte 8", found: "from byte 4" },
  ],
  [
    "the same bytes twice",
    () => file(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4),
    { where: ', tensor "b"', expected: "data from byte 4", found: "from byte 0" },
  ],
  [
    "an empty tensor inside another",
    () => file(`{"a":${entry(0, 8)},"b":${entry(4, 4)}}`, 8),
    { where: ', tensor "b"', expected: "data from byte 8", found: "from byte 4" },
  ],
  ["data cut short", () => file(`{"a":${entry(0, 8)}}`, 7), { expected: "70 bytes", found: "69 bytes" }],
  [
    "bytes after the data",
    () => file(`{"a":${entry(0, 8)}}`, 9),
    { expected: "70 bytes", found: "71 bytes" },
  ],
  ["bytes after an empty header", () => file("{}", 1), { expected: "10 bytes", found: "11 bytes" }],
];

test.each(hostile)("refused: %s", (_name, make, fields) => {
  const path = make();
  expect(() => readSafetensorsHeader(path)).toThrow(fileRefusal("format", path, fields));
});

test("random damage never gives anything but a ScaloraError or a valid header", () => {
  const header = `{"__metadata__":{"format":"pt"},"a":${entry(0, 8, "[2,1]")},"b":${entry(8, 12)}}`;
  const base = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.alloc(12)]);
  base.writeBigUInt64LE(BigInt(header.length));
  const path = join(folder, "damaged");
  let seed = 1;
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  let refused = 0;
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(base);
    for (let i = 0; i <= random(3); i++) bytes[random(bytes.length)] = random(256);
    writeFileSync(path, bytes.subarray(0, random(4) === 0 ? random(bytes.length) : bytes.length));
    try {
      readSafetensorsHeader(path);
    } catch (error) {
      expect(error).toBeInstanceOf(ScaloraError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(100);
});
