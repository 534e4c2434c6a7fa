import { extname } from "node:path";
import { zip } from "../util/elements.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { readCsv } from "./csv.ts";
import { withExactTools } from "./exact-tools.ts";
import { jsonTypeName } from "./json-type-name.ts";
import { assertFlat, type DataRow, parseJsonText, readJsonl } from "./jsonl.ts";
import { readParquet } from "./parquet/read-parquet.ts";
import { readText } from "./text-lines.ts";

/**
 * The rows of a table: a Parquet file (`.parquet`, uncompressed or Snappy), a JSON list of objects or a single one
 * (`.json`), CSV or TSV with a line of column names (`.csv`, `.tsv`), otherwise JSONL. A row's `line` counts from 1: lines of
 * text files, else rows.
 * @param signal ends the wait for a Parquet file's rows; its reason is thrown
 * @throws ScaloraError `data` naming file and row for rows that cannot be read
 */
export async function* readRows(path: string, signal?: AbortSignal): AsyncGenerator<DataRow> {
  switch (extname(path).toLowerCase()) {
    case ".parquet":
      return yield* readParquet(path, { signal });
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
  const rows: unknown[] = Array.isArray(value) ? value : [value];
  for (const [i, row] of rows.entries()) assertFlat(row, `${path}:${i + 1}`);
  const exact = withExactTools(rows, Array.isArray(value) ? text : `[${text}]`);
  return (Array.isArray(exact) ? exact : rows).map((row: unknown, i) => {
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
    return parseJsonText(text);
  } catch (cause) {
    if (!text.trimStart().startsWith("[")) return undefined;
    throw new ScaloraError("data", "A file is not valid JSON", {
      where: path,
      found: messageOf(cause),
      cause,
    });
  }
}
