import { ByteReader } from "./byte-reader.ts";
import { malformed } from "./malformed.ts";
import { kindBytes, valueKind } from "./types.ts";

/** A list that is still in the file. */
interface StoredList {
  readonly kind: number;
  readonly count: number;
  /** Bytes from the start of the file. */
  readonly begin: number;
}

export type MetadataEntry = string | number | bigint | boolean | StoredList;

/** More tokens or merges than any tokenizer has; longer lists of numbers are skipped over but never read. */
const longestList = 1 << 22;
/** Bytes of a string (chat templates are the longest), of one in a list, and of a whole list of them. */
const most = { string: 1 << 24, item: 1 << 16, list: 1 << 25 };

/** Reads a value; a list is checked and passed over. @throws ScaloraError `format` */
export function readValue(reader: ByteReader): MetadataEntry {
  const kind = reader.uint32();
  if (kind === valueKind.string) return reader.string(most.string);
  if (kind === valueKind.array) return passList(reader);
  return readPlain(reader, kind);
}

function passList(reader: ByteReader): StoredList {
  const kind = reader.uint32();
  const count = reader.size64();
  const begin = reader.position;
  if (kind === valueKind.string) {
    reader.need(count * 8);
    refuseLong(reader, count, longestList, "strings");
    for (let i = 0; i < count; i++) reader.skip(reader.stringBytes(most.item));
    refuseLong(reader, reader.position - begin, most.list, "bytes of strings");
    return { kind, count, begin };
  }
  const bytes = kindBytes.get(kind);
  if (bytes === undefined) throw unknownKind(reader, `a list of kind ${kind}`);
  reader.skip(count * bytes);
  return { kind, count, begin };
}

function refuseLong(reader: ByteReader, count: number, limit: number, things: string): void {
  if (count <= limit) return;
  throw malformed(reader.where, "A list in the file is too long", {
    expected: `at most ${limit} ${things}`,
    found: `${count}`,
  });
}

function readPlain(reader: ByteReader, kind: number): number | bigint | boolean {
  const size = kindBytes.get(kind);
  if (size === undefined) throw unknownKind(reader, `kind ${kind}`);
  const bytes = reader.bytes(size);
  switch (kind) {
    case valueKind.uint8:
      return bytes.readUInt8();
    case valueKind.int8:
      return bytes.readInt8();
    case valueKind.uint16:
      return bytes.readUInt16LE();
    case valueKind.int16:
      return bytes.readInt16LE();
    case valueKind.uint32:
      return bytes.readUInt32LE();
    case valueKind.int32:
      return bytes.readInt32LE();
    case valueKind.float32:
      return shortest(bytes.readFloatLE());
    case valueKind.bool:
      return bytes[0] !== 0;
    case valueKind.uint64:
      return bytes.readBigUInt64LE();
    case valueKind.int64:
      return bytes.readBigInt64LE();
    default:
      return bytes.readDoubleLE();
  }
}

function unknownKind(reader: ByteReader, found: string): Error {
  return malformed(reader.where, "A metadata value is of a kind that cannot be read", {
    expected: "a number, a truth value, a string, or a list of them (kinds 0 to 12)",
    found,
  });
}

/** The shortest decimal that means this float32: 1e-5 in place of 9.999999747378752e-6. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}

/** The metadata of a file; every getter checks the type and returns undefined where the key is absent. */
export class Metadata {
  readonly path: string;
  private readonly entries: ReadonlyMap<string, MetadataEntry>;

  constructor(path: string, entries: ReadonlyMap<string, MetadataEntry>) {
    this.path = path;
    this.entries = entries;
  }

  text(key: string): string | undefined {
    const value = this.entries.get(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.wrong(key, "a string", value);
  }

  flag(key: string): boolean | undefined {
    const value = this.entries.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.wrong(key, "true or false", value);
  }

  number(key: string): number | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number)) return number;
    throw this.wrong(key, "a finite number", value);
  }

  /** A whole number from 0 on. */
  count(key: string): number | undefined {
    const value = this.number(key);
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
    throw this.wrong(key, "a whole number from 0", value);
  }

  /** As `count`, of a key that must be there. */
  required(key: string): number {
    const value = this.count(key);
    if (value !== undefined) return value;
    throw this.missing(key);
  }

  strings(key: string): string[] | undefined {
    const list = this.list(key, "a list of strings");
    if (list === undefined) return undefined;
    if (list.kind !== valueKind.string) throw this.wrong(key, "a list of strings", list);
    return this.readList(key, list, (reader) => reader.string(most.item));
  }

  numbers(key: string): number[] | undefined {
    const list = this.list(key, "a list of numbers");
    if (list === undefined) return undefined;
    if (list.kind === valueKind.string || list.kind === valueKind.bool)
      throw this.wrong(key, "a list of numbers", list);
    return this.readList(key, list, (reader) => Number(readPlain(reader, list.kind)));
  }

  /** The error of a key that is not there. */
  missing(key: string): Error {
    return malformed(this.path, "The file lacks a key that its model needs", { expected: key });
  }

  /** The error of a value that cannot be used. */
  wrong(key: string, expected: string, value: MetadataEntry): Error {
    const where = `${this.path}, key ${JSON.stringify(key)}`;
    return malformed(where, "A metadata value cannot be used", { expected, found: label(value) });
  }

  private list(key: string, expected: string): StoredList | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || value.count > longestList) throw this.wrong(key, expected, value);
    return value;
  }

  private readList<T>(key: string, { count, begin }: StoredList, read: (reader: ByteReader) => T): T[] {
    using reader = new ByteReader(this.path);
    reader.position = begin;
    reader.what = `key ${JSON.stringify(key)}`;
    return Array.from({ length: count }, () => read(reader));
  }
}

function label(value: MetadataEntry): string {
  if (typeof value === "object") {
    const things = value.kind === valueKind.string ? "strings" : "numbers";
    return `a list of ${value.count} ${things}`;
  }
  const text = typeof value === "bigint" ? `${value}` : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
