import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { ByteReader } from "./byte-reader.ts";
import { ggufFormatError } from "./format-error.ts";
import { valueType, valueTypeBytes } from "./metadata-types.ts";

/** An array that has not been read yet. */
interface ArrayLocation {
  readonly kind: number;
  readonly count: number;
  /** Bytes from the start of the file. */
  readonly begin: number;
}

export type StoredMetadataValue = string | number | bigint | boolean | ArrayLocation;

/** More tokens or merges than any tokenizer has; longer arrays of numbers are skipped and cannot be read. */
const maxArrayLength = 1 << 22;
/** Most bytes of a string (chat templates are the longest), of a string in an array, and of an array of strings. */
const limits = { string: 1 << 24, item: 1 << 16, list: 1 << 25 };

/** Reads a value; an array is checked and skipped. @throws ScaloraError `format` */
export function readValue(reader: ByteReader): StoredMetadataValue {
  const kind = reader.uint32();
  if (kind === valueType.string) return reader.string(limits.string);
  if (kind === valueType.array) return passList(reader);
  return readScalar(reader, kind);
}

function passList(reader: ByteReader): ArrayLocation {
  const kind = reader.uint32();
  const count = reader.readSize();
  const begin = reader.position;
  if (kind === valueType.string) {
    reader.requireBytes(count * 8);
    checkArrayLength(reader, count, maxArrayLength, "strings");
    for (let i = 0; i < count; i++) reader.skip(reader.stringLength(limits.item));
    checkArrayLength(reader, reader.position - begin, limits.list, "bytes of strings");
    return { kind, count, begin };
  }
  const bytes = valueTypeBytes.get(kind);
  if (bytes === undefined) throw unknownValueTypeError(reader, `an array of type ${kind}`);
  reader.skip(count * bytes);
  return { kind, count, begin };
}

function checkArrayLength(reader: ByteReader, count: number, limit: number, things: string): void {
  if (count <= limit) return;
  throw ggufFormatError(reader.where, "An array in the file is too long", {
    expected: `at most ${limit} ${things}`,
    found: `${count}`,
  });
}

function readScalar(reader: ByteReader, kind: number): number | bigint | boolean {
  const size = valueTypeBytes.get(kind);
  if (size === undefined) throw unknownValueTypeError(reader, `kind ${kind}`);
  const bytes = reader.bytes(size);
  switch (kind) {
    case valueType.uint8:
      return bytes.readUInt8();
    case valueType.int8:
      return bytes.readInt8();
    case valueType.uint16:
      return bytes.readUInt16LE();
    case valueType.int16:
      return bytes.readInt16LE();
    case valueType.uint32:
      return bytes.readUInt32LE();
    case valueType.int32:
      return bytes.readInt32LE();
    case valueType.float32:
      return shortestDecimal(bytes.readFloatLE());
    case valueType.bool:
      return bytes[0] !== 0;
    case valueType.uint64:
      return bytes.readBigUInt64LE();
    case valueType.int64:
      return bytes.readBigInt64LE();
    default:
      return bytes.readDoubleLE();
  }
}

function unknownValueTypeError(reader: ByteReader, found: string): Error {
  return ggufFormatError(reader.where, "This type of metadata value is not supported", {
    expected: "a number, boolean, string, or an array of them (types 0 to 12)",
    found,
  });
}

/** The shortest decimal that means this float32: 1e-5 in place of 9.999999747378752e-6. */
function shortestDecimal(value: number): number {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 24) return value;
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}

/** The metadata of a file; every getter checks the type and returns undefined where the key is absent. */
export class GgufMetadata {
  readonly path: string;
  private readonly entries: ReadonlyMap<string, StoredMetadataValue>;

  constructor(path: string, entries: ReadonlyMap<string, StoredMetadataValue>) {
    this.path = path;
    this.entries = entries;
  }

  string(key: string): string | undefined {
    const value = this.entries.get(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.invalidValueError(key, "a string", value);
  }

  boolean(key: string): boolean | undefined {
    const value = this.entries.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.invalidValueError(key, "true or false", value);
  }

  number(key: string): number | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number)) return number;
    throw this.invalidValueError(key, "a finite number", value);
  }

  /** A non-negative integer. */
  count(key: string): number | undefined {
    const value = this.number(key);
    const limits = { whole: true, least: 0 };
    if (value === undefined || isWithinLimits(value, limits)) return value;
    throw this.invalidValueError(key, limitsText(limits), value);
  }

  /** As `count`, for a required key. */
  requiredCount(key: string): number {
    const value = this.count(key);
    if (value !== undefined) return value;
    throw this.missingKeyError(key);
  }

  strings(key: string): string[] | undefined {
    const list = this.list(key, "a list of strings");
    if (list === undefined) return undefined;
    if (list.kind !== valueType.string) throw this.invalidValueError(key, "a list of strings", list);
    return this.readList(key, list, (reader) => reader.string(limits.item));
  }

  numbers(key: string): number[] | undefined {
    const list = this.list(key, "a list of numbers");
    if (list === undefined) return undefined;
    if (list.kind === valueType.string || list.kind === valueType.bool)
      throw this.invalidValueError(key, "a list of numbers", list);
    return this.readList(key, list, (reader) => Number(readScalar(reader, list.kind)));
  }

  /** The error of a missing key. */
  missingKeyError(key: string): Error {
    return ggufFormatError(this.path, "The file lacks a required key", { expected: key });
  }

  /** The error of an invalid value. */
  invalidValueError(key: string, expected: string, value: StoredMetadataValue): Error {
    const where = `${this.path}, key ${JSON.stringify(key)}`;
    return ggufFormatError(where, "A metadata value is invalid", { expected, found: formatValue(value) });
  }

  private list(key: string, expected: string): ArrayLocation | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || value.count > maxArrayLength)
      throw this.invalidValueError(key, expected, value);
    return value;
  }

  private readList<T>(key: string, { count, begin }: ArrayLocation, read: (reader: ByteReader) => T): T[] {
    using reader = new ByteReader(this.path);
    reader.position = begin;
    reader.context = `key ${JSON.stringify(key)}`;
    return Array.from({ length: count }, () => read(reader));
  }
}

function formatValue(value: StoredMetadataValue): string {
  if (typeof value === "object") {
    const things = value.kind === valueType.string ? "strings" : "numbers";
    return `a list of ${value.count} ${things}`;
  }
  const text = typeof value === "bigint" ? `${value}` : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
