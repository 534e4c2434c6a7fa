import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
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

function errorOf(path: string): ScaloraError {
  try {
    readSafetensorsHeader(path);
  } catch (error) {
    if (error instanceof ScaloraError) return error;
    throw error;
  }
  throw new Error("the file was accepted");
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

const hostile: [string, () => string, RegExp][] = [
  ["no file", () => join(folder, "absent"), /Cannot open/],
  [
    "7 bytes",
    () => {
      const path = join(folder, "short");
      writeFileSync(path, Buffer.alloc(7));
      return path;
    },
    /too short.*found: {4}7 bytes/s,
  ],
  ["header length beyond the file", () => file("{}", 0, 3n), /truncated: its header/],
  [
    "header length of 2^64 − 1",
    () => file("{}", 0, 2n ** 64n - 1n),
    /header is too long.*18446744073709551615/s,
  ],
  ["header length just above the limit", () => file("{}", 0, 100_000_001n), /header is too long/],
  ["empty header", () => file("", 0), /does not begin with "{"/],
  ["leading space", () => file(" {}", 0), /does not begin with "{".*0x20/s],
  ["byte-order mark", () => file("\ufeff{}", 0), /0xef/],
  ["not UTF-8", () => file(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 0), /not valid UTF-8/],
  ["JSON cut short", () => file('{"a":', 0), /not valid JSON.*character 5/s],
  ["trailing comma", () => file(`{"a":${entry(0, 4)},}`, 4), /a key in double quotes/],
  ["text after the object", () => file("{}{}", 0), /after the end of the JSON value/],
  ["NUL padding", () => file("{}\u0000\u0000", 0), /after the end of the JSON value/],
  ["duplicate tensor", () => file(`{"a":${entry(0, 4)},"a":${entry(0, 4)}}`, 4), /duplicate key "a"/],
  [
    "duplicate tensor, escaped",
    () => file(`{"a":${entry(0, 4)},"\\u0061":${entry(0, 4)}}`, 4),
    /duplicate key "a"/,
  ],
  [
    "duplicate key inside a tensor",
    () => file(`{"a":{"dtype":"F32","dtype":"U8","shape":[1],"data_offsets":[0,4]}}`, 4),
    /duplicate key "dtype"/,
  ],
  ["half a surrogate pair", () => file('{"\\ud800":1}', 0), /half a surrogate pair/],
  ["control character in a string", () => file('{"a\n":1}', 0), /not valid JSON/],
  ["deep nesting", () => file(`{"a":${"[".repeat(100_000)}`, 0), /deeper than 128/],
  ["metadata that is a list", () => file('{"__metadata__":[]}', 0), /__metadata__ is not/],
  ["metadata number", () => file('{"__metadata__":{"step":1}}', 0), /not a string.*"step"/s],
  ["description that is a list", () => file('{"a":[]}', 0), /tensor "a"/],
  ["unknown dtype", () => file(`{"a":${entry(0, 4, "[1]", "F31")}}`, 4), /Unknown dtype.*"F31"/s],
  [
    "dtype that is a number",
    () => file('{"a":{"dtype":1,"shape":[],"data_offsets":[0,4]}}', 4),
    /Unknown dtype/,
  ],
  ["negative dimension", () => file(`{"a":${entry(0, 4, "[-1]")}}`, 4), /shape is not/],
  ["fractional dimension", () => file(`{"a":${entry(0, 4, "[1.0]")}}`, 4), /shape is not/],
  ["exponent dimension", () => file(`{"a":${entry(0, 4, "[1e0]")}}`, 4), /shape is not/],
  ["dimension above 2^53", () => file(`{"a":${entry(0, 4, "[9007199254740993]")}}`, 4), /shape is not/],
  ["no shape", () => file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), /shape is not/],
  [
    "one offset",
    () => file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', 4),
    /data_offsets is not/,
  ],
  ["offsets that run backwards", () => file(`{"a":${entry(4, 0, "[1]")}}`, 4), /run backwards/],
  ["product overflow", () => file(`{"a":${entry(0, 4, "[4294967296,4294967296]")}}`, 4), /overflows/],
  [
    "overflow hidden by a zero",
    () => file(`{"a":${entry(0, 0, "[4294967296,4294967296,0]")}}`, 0),
    /overflows/,
  ],
  [
    "shape larger than the data",
    () => file(`{"a":${entry(0, 4, "[2]")}}`, 4),
    /8 bytes for shape \[2\].*4 bytes/s,
  ],
  ["half a byte", () => file(`{"a":${entry(0, 2, "[3]", "F4")}}`, 2), /whole bytes/],
  ["a hole before the first tensor", () => file(`{"a":${entry(4, 8)}}`, 8), /a gap/],
  ["a hole between tensors", () => file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), /a gap.*"b"/s],
  ["overlap", () => file(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12), /overlap.*"b"/s],
  ["the same bytes twice", () => file(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4), /overlap/],
  ["an empty tensor inside another", () => file(`{"a":${entry(0, 8)},"b":${entry(4, 4)}}`, 8), /overlap/],
  ["data cut short", () => file(`{"a":${entry(0, 8)}}`, 7), /truncated/],
  ["bytes after the data", () => file(`{"a":${entry(0, 8)}}`, 9), /after the last tensor/],
  ["bytes after an empty header", () => file("{}", 1), /after the last tensor/],
];

test.each(hostile)("refused: %s", (_name, make, message) => {
  const error = errorOf(make());
  expect(error.code).toBe("format");
  expect(error.message).toMatch(message);
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
