import { jsonTypeName } from "../data-files/json-type-name.ts";
import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";
import type { ColumnNames, DataFormat, FormatConfig } from "./types.ts";

export type RowFormat = Exclude<DataFormat, "auto">;

interface FormatSpec {
  format: RowFormat;
  required: readonly string[];
  optional: readonly string[];
  /** Other common names of a column, in order of preference. */
  aliases?: Readonly<Record<string, readonly string[]>>;
  /** Never detected, only by name: files of other formats have such columns too. */
  explicitOnly?: true;
}

/** In the order in which auto-detection tries them: a file with alpaca columns and a joint `text` is alpaca. */
const formats: readonly FormatSpec[] = [
  // ShareGPT's name of the list of messages.
  {
    format: "messages",
    required: ["messages"],
    optional: ["tools"],
    aliases: { messages: ["conversations"] },
  },
  { format: "prompt-completion", required: ["prompt", "completion"], optional: [] },
  { format: "alpaca", required: ["instruction", "output"], optional: ["input"] },
  { format: "text", required: ["text"], optional: [] },
  {
    format: "commonsense",
    required: ["instruction", "output", "answer"],
    optional: ["input"],
    explicitOnly: true,
  },
  { format: "gsm8k", required: ["question", "answer"], optional: [], explicitOnly: true },
  {
    format: "classification",
    required: ["text", "label"],
    optional: ["pair"],
    aliases: { text: ["sentence1", "sentence"], pair: ["sentence2"] },
    explicitOnly: true,
  },
];

/** Format and columns of one file. */
export interface ColumnMapping {
  format: RowFormat;
  /** Column name of the format to column name in the file, for every column that is read. */
  fileColumns: ReadonlyMap<string, string>;
  ignored: string[];
}

/**
 * Determines the format and the columns from a file's first row.
 * @throws ScaloraError `data` when no format fits, or a named column does not exist; both list the file's columns.
 */
export function resolveColumns(
  row: Readonly<Record<string, unknown>>,
  config: FormatConfig,
  where: string,
): ColumnMapping {
  const present = Object.keys(row);
  checkMapping(config.columns ?? {}, present, where);
  const { format = "auto" } = config;
  const has = (candidate: FormatSpec) => (column: string) =>
    present.includes(resolveColumnName(column, candidate, config.columns, present));
  const chosen =
    format === "auto"
      ? formats.find((candidate) => !candidate.explicitOnly && candidate.required.every(has(candidate)))
      : formats.find((candidate) => candidate.format === format);
  const nameOf = (column: string) =>
    chosen ? resolveColumnName(column, chosen, config.columns, present) : column;
  const missing = chosen?.required.filter((column) => !present.includes(nameOf(column))) ?? [];
  if (chosen === undefined || missing.length > 0) throw formatMismatchError(present, missing, format, where);
  const read = [...chosen.required, ...chosen.optional].filter((column) => present.includes(nameOf(column)));
  for (const column of chosen.optional) if (!read.includes(column)) read.push(column);
  const names = new Map(read.map((column) => [column, nameOf(column)]));
  const used = new Set(names.values());
  return { format: chosen.format, fileColumns: names, ignored: present.filter((name) => !used.has(name)) };
}

function resolveColumnName(
  column: string,
  { aliases }: FormatSpec,
  columns: ColumnNames | undefined,
  present: readonly string[],
): string {
  const mapped = columns?.[column];
  if (mapped !== undefined) return mapped;
  const names = [column, ...(aliases?.[column] ?? [])];
  return names.find((name) => present.includes(name)) ?? column;
}

function checkMapping(columns: ColumnNames, present: readonly string[], where: string): void {
  const known = [...new Set(formats.flatMap(({ required, optional }) => [...required, ...optional]))];
  for (const [ours, theirs] of Object.entries(columns)) {
    if (!known.includes(ours))
      throw new ScaloraError("config", `data.columns has an unknown column "${ours}"`, {
        expected: known.join(", "),
        fix: suggestion(ours, known),
      });
    if (!present.includes(theirs))
      throw new ScaloraError("data", `The column "${theirs}", named in data.columns, does not exist`, {
        where,
        found: `columns ${present.join(", ")}`,
        fix: suggestion(theirs, present),
      });
  }
}

function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const near = nearestName(word, candidates);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

function formatMismatchError(
  present: string[],
  missing: string[],
  format: DataFormat,
  where: string,
): ScaloraError {
  const what =
    format === "auto"
      ? "The columns fit no known format"
      : `The format "${format}" needs the column${missing.length > 1 ? "s" : ""} ${missing.join(", ")}`;
  return new ScaloraError("data", what, {
    where,
    expected: formats
      .filter((one) => (format === "auto" ? !one.explicitOnly : one.format === format))
      .map(({ required }) => required.join(" + "))
      .join(", or "),
    found: `columns ${present.join(", ") || "none"}`,
    fix: `name the file's own columns, e.g. data.columns: ${format === "classification" ? "{ text: sentence, label: gold }" : "{ prompt: question, completion: answer }"}`,
  });
}

/**
 * A column's text; null and an absent optional column are "".
 * @throws ScaloraError `data` with file, line and column for anything else that is not a string.
 */
export function readString(
  row: Readonly<Record<string, unknown>>,
  plan: ColumnMapping,
  column: string,
  where: string,
): string {
  const name = plan.fileColumns.get(column) ?? column;
  const value = row[name];
  if (typeof value === "string") return value;
  const optional = formats.some((f) => f.format === plan.format && f.optional.includes(column));
  if (value === null || (optional && value === undefined)) return "";
  throw new ScaloraError("data", `The column "${name}" is not text`, {
    where,
    expected: "a string",
    found: jsonTypeName(value),
  });
}
