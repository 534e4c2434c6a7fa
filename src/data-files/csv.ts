import { ScaloraError } from "../util/errors.ts";
import type { DataRow } from "./jsonl.ts";
import { readTextLines } from "./text-lines.ts";

/** A record of a CSV file, and the line on which it begins. */
interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/**
 * The rows of a CSV or TSV file, by the column names in its first record (RFC 4180): a field in double quotes may hold the
 * delimiter, line feeds and, doubled, quotes. A row's `line` is its first one. Blank lines are skipped. The file is streamed.
 * @param delimiter one character
 * @throws ScaloraError `data` naming file and line for a quote that does not close, a repeated or empty column name, or a
 * record with more or fewer fields than there are columns
 */
export function* readCsv(path: string, delimiter: string): Generator<DataRow> {
  let names: readonly string[] | undefined;
  for (const { line, fields } of readRecords(path, delimiter)) {
    if (fields.length === 1 && fields[0] === "") continue;
    if (names === undefined) {
      refuseDelimiter(fields, delimiter, `${path}:${line}`);
      names = checkColumnNames(fields, `${path}:${line}`);
      continue;
    }
    if (fields.length !== names.length)
      throw new ScaloraError("data", "A row does not have as many fields as there are columns", {
        where: `${path}:${line}`,
        expected: `${names.length} (${names.join(", ")})`,
        found: `${fields.length}`,
        fix: "put fields that hold the delimiter, quotes or line feeds into double quotes",
      });
    yield { line, value: Object.fromEntries(names.map((name, i) => [name, fields[i]])) };
  }
}

/** Refuses a file with another delimiter: a single column whose name contains it. */
function refuseDelimiter([name = "", ...more]: readonly string[], delimiter: string, where: string): void {
  const others: readonly [string, string, string][] = [
    [";", "semicolons", "save it with commas: a field that holds one goes into double quotes"],
    ["\t", "tabs", "give it the ending .tsv"],
    [",", "commas", "give it the ending .csv"],
  ];
  const other = others.find(([character]) => character !== delimiter && name.includes(character));
  if (more.length > 0 || other === undefined) return;
  const [, found, fix] = other;
  throw new ScaloraError("data", `The columns of this file are separated by ${found}`, {
    where,
    expected: delimiter === "," ? "commas" : "tabs",
    found: name,
    fix,
  });
}

function checkColumnNames(fields: readonly string[], where: string): readonly string[] {
  if (!fields.includes("") && new Set(fields).size === fields.length) return fields;
  throw new ScaloraError("data", "The columns of a file need names, each once", {
    where,
    found: fields.map((name) => JSON.stringify(name)).join(", "),
    fix: "begin the file with a line of column names, such as prompt and completion",
  });
}

function* readRecords(path: string, delimiter: string): Generator<CsvRecord> {
  let record = new RecordParser(path, delimiter, 1);
  let line = 0;
  for (const text of readTextLines(path)) {
    line++;
    if (!record.addLine(text.endsWith("\r") ? text.slice(0, -1) : text, line)) continue;
    yield record;
    record = new RecordParser(path, delimiter, line + 1);
  }
  record.assertClosed();
}

/** Parses a record, which continues on the next line as long as a quote is open. */
class RecordParser implements CsvRecord {
  readonly fields: string[] = [];
  readonly line: number;
  private readonly path: string;
  private readonly delimiter: string;
  /** The quoted field that continues on the next line. */
  private open: { readonly line: number; readonly lines: string[] } | undefined;

  constructor(path: string, delimiter: string, line: number) {
    this.path = path;
    this.delimiter = delimiter;
    this.line = line;
  }

  /** @returns whether the record ends with this line */
  addLine(text: string, line: number): boolean {
    let at: number | undefined = 0;
    while (at !== undefined) {
      if (this.open === undefined && text[at] === '"') {
        this.open = { line, lines: [] };
        at++;
      }
      at = this.open === undefined ? this.takePlain(text, at) : this.takeQuoted(text, at, this.open);
    }
    return this.open === undefined;
  }

  /** @throws ScaloraError `data` when a quote is still open */
  assertClosed(): void {
    if (this.open !== undefined) throw badQuote(this.path, this.open.line);
  }

  /** Parses the field at `at`. @returns start of the next field; undefined at the end of the line */
  private takePlain(text: string, at: number): number | undefined {
    const end = text.indexOf(this.delimiter, at);
    this.fields.push(end < 0 ? text.slice(at) : text.slice(at, end));
    return end < 0 ? undefined : end + 1;
  }

  /** Parses this line's part of the open field. @returns as `takePlain` */
  private takeQuoted(
    text: string,
    at: number,
    open: { readonly line: number; readonly lines: string[] },
  ): number | undefined {
    const close = closingQuote(text, at);
    open.lines.push(text.slice(at, close));
    if (close === text.length) return undefined;
    const isLast = close + 1 === text.length;
    if (!isLast && text[close + 1] !== this.delimiter) throw badQuote(this.path, open.line);
    this.fields.push(open.lines.join("\n").replaceAll('""', '"'));
    this.open = undefined;
    return isLast ? undefined : close + 2;
  }
}

/** Position of the quote that closes the field at `from`, doubled quotes skipped; the text's length where there is none. */
function closingQuote(text: string, from: number): number {
  let close = text.indexOf('"', from);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  return close < 0 ? text.length : close;
}

function badQuote(path: string, line: number): ScaloraError {
  return new ScaloraError("data", "A quoted field does not end where it should", {
    where: `${path}:${line}`,
    expected: 'a field in double quotes, those inside it doubled: "He said ""no""."',
  });
}
