import { jsonTypeName } from "../data-files/json-type-name.ts";
import type { DataRow } from "../data-files/jsonl.ts";
import type { TextOrPair, Tokenizer } from "../tokenizer/tokenizer.ts";
import { zip } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";
import { type ColumnMapping, readString } from "./formats/column-mapping.ts";
import type { GlueTask } from "./formats/glue/index.ts";
import { findGlueTask } from "./formats/glue/index.ts";
import type { DroppedRow } from "./formats/types.ts";
import type { EncodedLabelledRow, LengthLimit } from "./row-collector.ts";
import type { ClassifierLabels, DataSource, Example } from "./types.ts";

/** A row of classification data before it is tokenised. */
export interface LabelledRow {
  readonly texts: TextOrPair;
  readonly label: number;
  readonly source: string;
}

/** @throws ScaloraError `config` for a classifier with data of another format, or a language model with classification data */
export function checkFormatFitsModel(source: DataSource, classes: ClassifierLabels | undefined): void {
  if (classes === undefined) {
    refuseLabelledRows(source);
    return;
  }
  const { path, format = "auto" } = source;
  const task = findGlueTask(format);
  if (task !== undefined) {
    checkGlueLabels(source, classes, task);
    return;
  }
  const isText = path.toLowerCase().endsWith(".txt");
  if (!isText && (format === "classification" || format === "auto")) return;
  throw new ScaloraError("config", "A classifier cannot be trained on these data", {
    where: `${path}, data.format`,
    expected: "rows with text and label (format: classification), or a task of GLUE",
    found: isText ? "running text" : format,
  });
}

/** @throws ScaloraError `config` for rows of texts and classes, of which a language model learns nothing */
export function refuseLabelledRows({ path, format = "auto" }: DataSource): void {
  if (format !== "classification" && findGlueTask(format) === undefined) return;
  throw new ScaloraError("config", "A language model cannot be trained on the rows of a classifier", {
    where: `${path}, data.format`,
    expected:
      "text, prompt-completion, alpaca, messages, commonsense, gsm8k, metamathqa, preference or unpaired-preference",
    found: `${format}, whose rows are texts with their class`,
    fix: "give model.path an encoder (BERT, RoBERTa, DeBERTa), or write the rows as prompts and completions",
  });
}

/** Refuses a model whose classes differ from the task's, also in their order. */
function checkGlueLabels(
  { path, columns }: DataSource,
  classes: ClassifierLabels,
  { name, labels }: GlueTask,
): void {
  if (columns !== undefined)
    throw new ScaloraError("config", `The columns of ${name} are known`, {
      where: `${path}, data.columns`,
      fix: "remove data.columns, or use format: classification",
    });
  const fits =
    labels === undefined
      ? classes.regression
      : !classes.regression &&
        classes.labels.length === labels.length &&
        classes.labels.every((label, i) => label === labels[i] || !labels.includes(label));
  if (fits) return;
  throw new ScaloraError("config", `The model's classes are not those of ${name}`, {
    where: `${path}, data.format`,
    expected: labels === undefined ? "a regression (one label)" : labels.join(", "),
    found: classes.regression ? "a regression" : classes.labels.join(", "),
    fix: "leave model.labels out: it follows from the task",
  });
}

/**
 * Reads the texts and the label of a row. A label is a class's name or index, or a number in a regression.
 * @throws ScaloraError `data` with file and line for another label
 */
export function readLabelledRow(
  row: DataRow,
  plan: ColumnMapping,
  classes: ClassifierLabels,
  path: string,
): LabelledRow[] | DroppedRow {
  const source = `${path}:${row.line}`;
  const value = (column: string) => row.value[plan.fileColumns.get(column) ?? column];
  const text = readString(row.value, plan, "text", source);
  const pair = value("pair") == null ? undefined : readString(row.value, plan, "pair", source);
  if (text.trim() === "" && (pair ?? "").trim() === "") return { source, reason: "its text is empty" };
  const where = `${source}, column "${plan.fileColumns.get("label") ?? "label"}"`;
  const label = classes.regression
    ? readNumber(value("label"), where)
    : readClass(value("label"), classes, where);
  return [{ texts: pair === undefined ? [text] : [text, pair], label, source }];
}

function readNumber(value: unknown, where: string): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isFinite(number)) return number;
  throw new ScaloraError("data", "The label of a regression is not a number", {
    where,
    expected: "a number",
    found: shown(value),
  });
}

function readClass(value: unknown, { labels }: ClassifierLabels, where: string): number {
  const named = labels.indexOf(String(value));
  if (named >= 0 && (typeof value === "string" || typeof value === "number")) return named;
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number < labels.length)
    return number;
  const near = typeof value === "string" ? nearestName(value, labels) : undefined;
  throw new ScaloraError("data", "A label is not one of the model's classes", {
    where,
    expected: `a name (${labels.slice(0, 10).join(", ")}${labels.length > 10 ? ", …" : ""}) or a number from 0 to ${labels.length - 1}`,
    found: shown(value),
    fix:
      near === undefined
        ? "name the classes in model.labels, in the order of their numbers"
        : `did you mean ${near}?`,
  });
}

const shown = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? JSON.stringify(value) : jsonTypeName(value);

/** Tokenises rows with the model's special tokens, truncated where the length limit says `truncate`. */
export async function encodeLabelled(
  rows: readonly LabelledRow[],
  tokenizer: Tokenizer,
  { maxLength, tooLong }: LengthLimit,
  { typeVocabSize: kinds }: ClassifierLabels,
): Promise<EncodedLabelledRow[]> {
  const encodings = await tokenizer.encodePairs(
    rows.map(({ texts }) => texts),
    tooLong === "truncate" ? maxLength : Number.POSITIVE_INFINITY,
  );
  return zip(rows, encodings).map(([{ label, source }, { ids, tokenTypes, truncated }]) => {
    const isTyped = kinds > 1 && tokenTypes.some((type) => type > 0);
    const example: Example = {
      ids: Int32Array.from(ids),
      isLabel: new Uint8Array(ids.length),
      source,
      label,
      ...(isTyped && { tokenTypes: Int32Array.from(tokenTypes) }),
    };
    return { example, truncated };
  });
}
