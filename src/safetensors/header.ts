import { closeSync, fstatSync, readSync } from "node:fs";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { openFile } from "../util/read-file.ts";
import { JsonError, JsonNumber, type JsonValue, parseJson } from "../util/strict-json.ts";
import { dtypeBits } from "./dtypes.ts";

/** Dtype, shape and position of one tensor. `begin` and `end` are bytes from the start of the file. */
export interface SafetensorsEntry {
  /** As the file names it: `F32`, `BF16`, … */
  dtype: string;
  shape: readonly number[];
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  metadata: ReadonlyMap<string, string>;
  /** In the order of the data. */
  entries: ReadonlyMap<string, SafetensorsEntry>;
  /** File size in bytes. */
  size: number;
}

const maxHeaderBytes = 100_000_000;

/**
 * Reads and checks the header of a safetensors file; the data is not touched. Every rule of the format is enforced:
 * sizes, UTF-8, JSON without duplicate keys, string metadata, and tensors that cover the data without gaps, overlaps or
 * trailing bytes.
 * @throws ScaloraError `format`, naming the file and the tensor
 */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  const descriptor = openWeights(path);
  try {
    const size = fstatSync(descriptor).size;
    const headerBytes = readHeaderLength(path, descriptor, size);
    const header = Buffer.allocUnsafe(headerBytes);
    readFully(path, descriptor, header, 8);
    return { ...parseHeader(path, header, size), size };
  } finally {
    closeSync(descriptor);
  }
}

function openWeights(path: string): number {
  try {
    return openFile(path);
  } catch (error) {
    throw new ScaloraError("format", "Cannot open the safetensors file", {
      where: path,
      found: messageOf(error),
      cause: error,
    });
  }
}

function readHeaderLength(path: string, descriptor: number, size: number): number {
  if (size < 8)
    throw safetensorsFormatError(
      path,
      "The file is too short for a safetensors file",
      "at least 8 bytes",
      `${size} bytes`,
    );
  const start = Buffer.allocUnsafe(8);
  readFully(path, descriptor, start, 0);
  const length = start.readBigUInt64LE();
  if (length > BigInt(maxHeaderBytes))
    throw safetensorsFormatError(
      path,
      "The header is too long",
      `at most ${maxHeaderBytes} bytes`,
      `${length} bytes`,
    );
  if (length > BigInt(size - 8)) {
    const expected = `at least ${length + 8n} bytes for the header alone`;
    throw safetensorsFormatError(
      path,
      "The file is truncated: its header is incomplete",
      expected,
      `${size} bytes`,
    );
  }
  return Number(length);
}

function readFully(path: string, descriptor: number, buffer: Buffer, position: number): void {
  let done = 0;
  while (done < buffer.length) {
    const count = readSync(descriptor, buffer, done, buffer.length - done, position + done);
    if (count === 0) throw safetensorsFormatError(path, "The file became shorter while it was read");
    done += count;
  }
}

/**
 * Checks header bytes (without the eight length bytes) against a file of `size` bytes.
 * @param path for messages only
 */
function parseHeader(path: string, header: Uint8Array, size: number): Omit<SafetensorsHeader, "size"> {
  const [first] = header;
  if (first !== 0x7b) {
    const found =
      first === undefined ? "an empty header" : `the byte 0x${first.toString(16).padStart(2, "0")}`;
    throw safetensorsFormatError(path, 'The header does not begin with "{"', '"{"', found);
  }
  const root = parseRoot(path, header);
  const dataStart = 8 + header.length;
  const metadata = readMetadata(path, root.get("__metadata__"));
  root.delete("__metadata__");
  const entries: [string, SafetensorsEntry][] = [];
  for (const [name, value] of root) entries.push([name, readEntry(path, name, value, dataStart)]);
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCoverage(path, entries, dataStart, size);
  return { metadata, entries: new Map(entries) };
}

function parseRoot(path: string, header: Uint8Array): Map<string, JsonValue> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
  } catch (error) {
    throw new ScaloraError("format", "The header is not valid UTF-8", { where: path, cause: error });
  }
  try {
    const root = parseJson(text);
    if (root instanceof Map) return root;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new ScaloraError("format", "The header is not valid JSON", {
      where: path,
      found: `${error.message} (character ${error.offset} of the header)`,
      cause: error,
    });
  }
  throw safetensorsFormatError(path, "The header is not a JSON object");
}

function readMetadata(path: string, value: JsonValue | undefined): Map<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  if (!(value instanceof Map)) throw safetensorsFormatError(path, "__metadata__ is not a JSON object");
  for (const [key, item] of value) {
    if (typeof item !== "string") {
      throw safetensorsFormatError(
        path,
        `__metadata__ holds a value that is not a string`,
        "strings",
        `key ${JSON.stringify(key)}`,
      );
    }
    metadata.set(key, item);
  }
  return metadata;
}

function readEntry(path: string, name: string, value: JsonValue, dataStart: number): SafetensorsEntry {
  const where = `${path}, tensor ${JSON.stringify(name)}`;
  if (!(value instanceof Map))
    throw safetensorsFormatError(where, "The tensor's description is not a JSON object");
  const dtype = value.get("dtype");
  const bits = typeof dtype === "string" ? dtypeBits.get(dtype) : undefined;
  if (typeof dtype !== "string" || bits === undefined) {
    const found = typeof dtype === "string" ? JSON.stringify(dtype) : "no dtype name";
    throw safetensorsFormatError(where, "Unknown dtype", [...dtypeBits.keys()].join(", "), found);
  }
  const shape = naturalNumbers(value.get("shape"));
  if (shape === undefined)
    throw safetensorsFormatError(where, "The shape is not a list of integers from 0 to 2^53 − 1");
  const [begin, end, ...rest] = naturalNumbers(value.get("data_offsets")) ?? [];
  if (begin === undefined || end === undefined || rest.length > 0)
    throw safetensorsFormatError(where, "data_offsets is not two integers from 0 to 2^53 − 1");
  if (begin > end)
    throw safetensorsFormatError(where, "data_offsets run backwards", "begin ≤ end", `[${begin}, ${end}]`);
  checkSize(where, shape, bits, end - begin);
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

function naturalNumbers(value: JsonValue | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const result: number[] = [];
  for (const item of value) {
    const number = item instanceof JsonNumber ? item.naturalNumber() : undefined;
    if (number === undefined) return undefined;
    result.push(number);
  }
  return result;
}

function checkSize(where: string, shape: readonly number[], bits: number, bytes: number): void {
  let total = bits;
  for (const dimension of shape) {
    total *= dimension;
    if (!Number.isSafeInteger(total)) {
      throw safetensorsFormatError(
        where,
        "The size of the tensor overflows",
        "fewer than 2^53 bits",
        `shape [${shape.join(", ")}]`,
      );
    }
  }
  if (total % 8 !== 0)
    throw safetensorsFormatError(where, "The tensor does not fill whole bytes", undefined, `${total} bits`);
  if (total / 8 !== bytes) {
    throw safetensorsFormatError(
      where,
      "The tensor's data is not as long as its shape and dtype say",
      `${total / 8} bytes for shape [${shape.join(", ")}]`,
      `${bytes} bytes`,
    );
  }
}

/** Each byte after the header belongs to exactly one tensor. */
function checkCoverage(
  path: string,
  entries: [string, SafetensorsEntry][],
  dataStart: number,
  size: number,
): void {
  let position = dataStart;
  for (const [name, { begin, end }] of entries) {
    if (begin !== position) {
      const what =
        begin > position ? "There is a gap in the data before a tensor" : "Tensors overlap in the file";
      const where = `${path}, tensor ${JSON.stringify(name)}`;
      throw safetensorsFormatError(
        where,
        what,
        `data from byte ${position - dataStart}`,
        `from byte ${begin - dataStart}`,
      );
    }
    position = end;
  }
  if (position === size) return;
  const what = position > size ? "The file is truncated" : "There are bytes after the last tensor";
  throw safetensorsFormatError(path, what, `${position} bytes`, `${size} bytes`);
}

function safetensorsFormatError(
  where: string,
  what: string,
  expected?: string,
  found?: string,
): ScaloraError {
  return new ScaloraError("format", what, {
    where,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
  });
}
