import { ScaloraError } from "../util/errors.ts";
import { type DataRow, readText } from "./jsonl.ts";

/** A record of a CSV file, and the line on which it begins. */
interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/**
 * The rows of a CSV or TSV file by the names in its first record (RFC 4180): a field in double quotes may hold the
 * delimiter, line feeds and, doubled, quotes. A row's `line` is the one on which it begins. Blank lines are skipped.
 * @param delimiter one character
 * @throws ScaloraError `data` naming file and line for a quote that does not close, a repeated or empty column name, or a
 * record with more or fewer fields than there are columns
 */
export function* readCsv(path: string, delimiter: string): Generator<DataRow> {
  let names: readonly string[] | undefined;
  for (const { line, fields } of parseRecords(readText(path), delimiter, path)) {
    if (fields.length === 1 && fields[0] === "") continue;
    if (names === undefined) {
      refuseDelimiter(fields, delimiter, `${path}:${line}`);
      names = checkColumnNames(fields, `${path}:${line}`);
      continue;
    }
    if (fields.length !== names.length)
      throw new ScaloraError("data", "A row has not as many fields as there are columns", {
        where: `${path}:${line}`,
        expected: `${names.length} (${names.join(", ")})`,
        found: `${fields.length}`,
        fix: "put fields that hold the delimiter, quotes or line feeds into double quotes",
      });
    yield { line, value: Object.fromEntries(names.map((name, i) => [name, fields[i]])) };
  }
}

/** A single column whose name holds another delimiter is a file with that delimiter. */
function refuseDelimiter([name, ...more]: readonly string[], delimiter: string, where: string): void {
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
  if (fields.every((name, i) => name !== "" && fields.indexOf(name) === i)) return fields;
  throw new ScaloraError("data", "The columns of a file need names, each once", {
    where,
    found: fields.map((name) => JSON.stringify(name)).join(", "),
    fix: "begin the file with a line of column names, such as prompt and completion",
  });
}

function* parseRecords(text: string, delimiter: string, path: string): Generator<CsvRecord> {
  const ends = new RegExp(`[${delimiter}\\n]`, "g");
  let [at, line, start] = [0, 1, 1];
  let fields: string[] = [];
  while (at < text.length || fields.length > 0) {
    const close = text[at] === '"' ? closingQuote(text, at) : undefined;
    ends.lastIndex = close === undefined ? at : close + 1;
    const end = ends.exec(text)?.index ?? text.length;
    if (close !== undefined && end !== close + 1) throw badQuote(path, line);
    const quoted = close === undefined ? undefined : text.slice(at + 1, close).replaceAll('""', '"');
    fields.push(quoted ?? text.slice(at, end));
    line += text.slice(at, end + 1).split("\n").length - 1;
    at = end + 1;
    if (text[end] === delimiter) continue;
    yield { line: start, fields };
    [fields, start] = [[], line];
  }
}

/** Where the quote at `open` is closed, doubled quotes passed over; the text's end where it is not. */
function closingQuote(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  return close < 0 ? text.length : close;
}

function badQuote(path: string, line: number): ScaloraError {
  return new ScaloraError("data", "A quoted field does not end where it should", {
    where: `${path}:${line}`,
    expected: 'a field in double quotes, those inside it doubled: "He said ""no""."',
  });
}
