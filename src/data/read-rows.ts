import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { zip } from "../util/elements.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { readCsv } from "./csv.ts";
import { jsonTypeName } from "./json-type-name.ts";
import { type DataRow, readJsonl } from "./jsonl.ts";
import { readText } from "./text-lines.ts";

/**
 * The rows of a table: a Parquet file (`.parquet`, uncompressed or Snappy), a JSON list of objects or a single one
 * (`.json`), CSV or TSV with a line of column names (`.csv`, `.tsv`), otherwise JSONL. A row's `line` counts from 1: lines of
 * text files, else rows.
 * @throws ScaloraError `data` naming file and row for rows that cannot be read
 */
export async function* readRows(path: string): AsyncGenerator<DataRow> {
  switch (extname(path).toLowerCase()) {
    case ".parquet":
      return yield* await readParquet(path);
    case ".xlsx":
    case ".xls":
    case ".ods":
      throw new ScaloraError("data", "A spreadsheet cannot be read", {
        where: path,
        expected: "JSONL, JSON, CSV, TSV or Parquet",
        fix: "save the sheet as CSV (with commas, in UTF-8) and give that file",
      });
    case ".csv":
      return yield* readCsv(path, ",");
    case ".tsv":
      return yield* readCsv(path, "\t");
    case ".json":
      return yield* readJsonFile(path) ?? readJsonl(path);
    default:
      return yield* readJsonl(path);
  }
}

/** One line of a TSV file. */
export interface TsvRow {
  readonly line: number;
  /** By column; an incomplete line lacks the last columns. */
  readonly value: Readonly<Record<string, string>>;
}

/**
 * The rows of a TSV file in GLUE's format: split on tabs, quotes are text, lines end at "\n" (or "\r\n") only.
 * @param columns column names of a file without a header
 */
export function readTsv(path: string, columns?: readonly string[]): TsvRow[] {
  const lines = readText(path).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const names = columns ?? lines[0]?.split("\t") ?? [];
  const first = columns === undefined ? 1 : 0;
  return lines.slice(first).map((text, i) => {
    const cells = text.split("\t").slice(0, names.length);
    const present = names.slice(0, cells.length);
    return { line: first + i + 1, value: Object.fromEntries(zip(present, cells)) };
  });
}

/** The rows of a file that is one JSON value; undefined for JSON lines. */
function readJsonFile(path: string): DataRow[] | undefined {
  const text = readText(path);
  const value = parseJsonFile(text, path);
  if (value === undefined) return undefined;
  return (Array.isArray(value) ? value : [value]).map((row: unknown, i) => {
    if (isRecord(row)) return { line: i + 1, value: row };
    throw new ScaloraError("data", "A row is not a JSON object", {
      where: `${path}:${i + 1}`,
      expected: "an object with named columns",
      found: jsonTypeName(row),
    });
  });
}

function parseJsonFile(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!text.trimStart().startsWith("[")) return undefined;
    throw new ScaloraError("data", "A file is not valid JSON", {
      where: path,
      found: messageOf(cause),
      cause,
    });
  }
}

async function readParquet(path: string): Promise<DataRow[]> {
  const bytes = readBytes(path);
  checkParquetMagic(path, bytes);
  try {
    const rows = await parquetReadObjects({ file: bytes });
    return rows.map((value, i) => ({ line: i + 1, value: plainRow(value) }));
  } catch (cause) {
    throw new ScaloraError("data", "A Parquet file cannot be read", {
      where: path,
      expected: "Parquet, uncompressed or compressed with Snappy",
      found: messageOf(cause),
      fix: "write it again, or as JSONL",
      cause,
    });
  }
}

/** Checks that the file begins and ends with `PAR1`; an incomplete download lacks the latter. */
function checkParquetMagic(path: string, bytes: ArrayBuffer): void {
  const mark = (at: number) => Buffer.from(bytes.slice(at, at + 4)).toString("latin1");
  const [first, last] = [mark(0), mark(Math.max(0, bytes.byteLength - 4))];
  if (first === "PAR1" && last === "PAR1" && bytes.byteLength >= 12) return;
  const isCut = first === "PAR1";
  throw new ScaloraError("data", isCut ? "A Parquet file is damaged" : "This is not a Parquet file", {
    where: path,
    expected: "PAR1 at its beginning and at its end",
    found: isCut
      ? `${bytes.byteLength} bytes, the end is missing`
      : `${JSON.stringify(first)} at its beginning`,
    fix: isCut
      ? "download or write it again"
      : "give it the ending of its format (.jsonl, .json, .csv, .tsv)",
  });
}

/** Converts 64-bit integers to numbers, as in JSON, also within lists and structs. */
function bigintsToNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(bigintsToNumbers);
  return isStruct(value) ? plainRow(value) : value;
}

function plainRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, bigintsToNumbers(value)]));
}

/** Whether a value is a struct; dates and bytes are objects, but not structs. */
function isStruct(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && Object.getPrototypeOf(value) === Object.prototype;
}

function readBytes(path: string): ArrayBuffer {
  try {
    return Uint8Array.from(readFileSync(path)).buffer;
  } catch (cause) {
    throw new ScaloraError("data", "A data file cannot be opened", {
      where: path,
      found: messageOf(cause),
      cause,
    });
  }
}
