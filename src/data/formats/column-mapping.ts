import { jsonTypeName } from "../../data-files/json-type-name.ts";
import { ScaloraError } from "../../util/errors.ts";
import { nearestName } from "../../util/nearest-name.ts";
import { refuseJudgedRow } from "./judgement-columns.ts";
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

/** The required columns that a file lacks. */
type MissingOf = (candidate: FormatSpec) => string[];

/** ShareGPT's name of the list of messages. */
const sharegpt = { messages: ["conversations"] };
/** LLaMA-Factory's name of KTO's label. */
const verdict = { label: ["kto_tag"] };

/**
 * In the order in which auto-detection tries them: a file with alpaca columns and a joint `text` is alpaca. A format may
 * have several layouts.
 */
const formats: readonly FormatSpec[] = [
  { format: "messages", required: ["messages"], optional: ["tools"], aliases: sharegpt },
  { format: "prompt-completion", required: ["prompt", "completion"], optional: ["tools"] },
  { format: "alpaca", required: ["instruction", "output"], optional: ["input"] },
  { format: "text", required: ["text"], optional: [] },
  {
    format: "commonsense",
    required: ["instruction", "output", "answer"],
    optional: ["input"],
    explicitOnly: true,
  },
  { format: "metamathqa", required: ["query", "response"], optional: [], explicitOnly: true },
  { format: "gsm8k", required: ["question", "answer"], optional: [], explicitOnly: true },
  {
    format: "gsm8k",
    required: ["instruction", "output", "answer"],
    optional: ["input"],
    explicitOnly: true,
  },
  {
    format: "preference",
    required: ["chosen", "rejected"],
    optional: ["prompt", "tools"],
    aliases: { prompt: ["conversations"] },
    explicitOnly: true,
  },
  {
    format: "unpaired-preference",
    required: ["prompt", "completion", "label"],
    optional: ["tools"],
    aliases: verdict,
    explicitOnly: true,
  },
  {
    format: "unpaired-preference",
    required: ["messages", "label"],
    optional: ["tools"],
    aliases: { ...sharegpt, ...verdict },
    explicitOnly: true,
  },
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
 * @throws ScaloraError `data` when no format fits, or a named column does not exist (both list the file's columns), and for
 * rows that are not to be imitated as they are
 */
export function resolveColumns(
  row: Readonly<Record<string, unknown>>,
  config: FormatConfig,
  where: string,
): ColumnMapping {
  const { format = "auto" } = config;
  const named = new Map(Object.entries(config.columns ?? {}));
  if (format === "auto") refuseJudgedRow(row, { format: "text", fileColumns: named }, true, where);
  const mapping = mapColumns(row, config, where);
  if (format !== "classification") refuseJudgedRow(row, mapping, format !== "auto", where);
  return mapping;
}

/** As `resolveColumns`, for rows of any meaning. */
export function mapColumns(
  row: Readonly<Record<string, unknown>>,
  config: FormatConfig,
  where: string,
): ColumnMapping {
  const present = Object.keys(row);
  checkMapping(config.columns ?? {}, present, where);
  const { format = "auto" } = config;
  const missingOf: MissingOf = (candidate) =>
    candidate.required.filter(
      (column) => !present.includes(resolveColumnName(column, candidate, config.columns, present)),
    );
  const candidates = formats.filter((one) => (format === "auto" ? !one.explicitOnly : one.format === format));
  const chosen = candidates.find((candidate) => missingOf(candidate).length === 0);
  if (chosen === undefined) throw formatMismatchError(present, { format, candidates, missingOf }, where);
  const nameOf = (column: string) => resolveColumnName(column, chosen, config.columns, present);
  // Tools are rendered by a chat template only.
  const isChat = config.render === "chat" || typeof row[nameOf(chosen.required[0] ?? "")] !== "string";
  const optional = chosen.optional.filter((column) => column !== "tools" || isChat);
  const names = new Map([...chosen.required, ...optional].map((column) => [column, nameOf(column)]));
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

/** The error for columns that fit no candidate, of which the nearest is named. */
function formatMismatchError(
  present: readonly string[],
  {
    format,
    candidates,
    missingOf,
  }: { format: DataFormat; candidates: readonly FormatSpec[]; missingOf: MissingOf },
  where: string,
): ScaloraError {
  const [missing = []] = candidates.map(missingOf).sort((a, b) => a.length - b.length);
  const isAuto = format === "auto";
  const what = isAuto
    ? "The columns fit no known format"
    : `The format "${format}" needs the column${missing.length > 1 ? "s" : ""} ${missing.join(", ")}`;
  const ownNames = isAuto
    ? "prompt: question, completion: answer"
    : missing.map((name) => `${name}: NAME`).join(", ");
  const byName = isAuto ? formats.filter((one) => one.explicitOnly && missingOf(one).length === 0) : [];
  return new ScaloraError("data", what, {
    where,
    expected: candidates.map(({ required }) => required.join(" + ")).join(", or "),
    found: `columns ${present.join(", ") || "none"}`,
    fix: [
      ...byName.map((one) => `set data.format: ${one.format} if the rows are of it`),
      `name the file's own columns, e.g. data.columns: { ${ownNames} }`,
    ].join(", or "),
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
