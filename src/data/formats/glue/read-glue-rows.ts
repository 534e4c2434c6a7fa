import type { DataRow } from "../../../data-files/jsonl.ts";
import { readRows, readTsv } from "../../../data-files/read-rows.ts";
import type { TextOrPair } from "../../../tokenizer/tokenizer.ts";
import { ScaloraError } from "../../../util/errors.ts";
import { isWithinLimits, limitsText } from "../../../util/number-limits.ts";
import type { DroppedRow } from "../types.ts";
import type { GlueTask } from "./glue-task.ts";

type Row = DataRow["value"];

/** A row of a GLUE task. */
export interface GlueExample {
  /** `file:line` */
  readonly source: string;
  /** One sentence, or a pair in the task's order. */
  readonly texts: TextOrPair;
  /** Class index, or a score. */
  readonly label: number;
}

/**
 * The rows of one file of a GLUE task: the official TSV (split on tabs, quotes are text), or JSONL, JSON or Parquet with
 * the columns of the Hugging Face hub. Incomplete rows of the TSV (QQP has some) are dropped, as in the Hugging Face reader.
 * @throws ScaloraError `data` naming file, line and column for rows of another task
 */
export async function* readGlueRows(
  task: GlueTask,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<GlueExample | DroppedRow> {
  const isTsv = path.toLowerCase().endsWith(".tsv");
  const columns = new Columns(task);
  for await (const { line, value } of isTsv
    ? readTsv(path, task.headerlessColumns)
    : readRows(path, signal)) {
    const source = `${path}:${line}`;
    columns.choose(value, source);
    const missing = columns.missing(value);
    if (isTsv && missing !== undefined) yield { source, reason: `it has no column ${missing}` };
    else yield columns.read(value, source);
  }
}

/** The columns of one file. */
class Columns {
  private readonly task: GlueTask;
  private chosen: { texts: readonly string[]; label: string } | undefined;

  constructor(task: GlueTask) {
    this.task = task;
  }

  /** Finds the columns by their possible names in the file's first row. */
  choose(row: Row, where: string): void {
    if (this.chosen !== undefined) return;
    const present = Object.keys(row);
    const find = (names: readonly string[]) => {
      const name = names.find((candidate) => present.includes(candidate));
      if (name !== undefined) return name;
      throw new ScaloraError("data", `This is not a file of ${this.task.name}: it lacks a column`, {
        where,
        expected: names.join(" or "),
        found: `columns ${present.join(", ")}`,
      });
    };
    this.chosen = { texts: this.task.textColumns.map(find), label: find(this.task.labelColumns) };
  }

  /** The first column that a row lacks, if any. */
  missing(row: Row): string | undefined {
    const { texts, label } = this.columns;
    return [...texts, label].find((name) => row[name] === undefined);
  }

  read(row: Row, source: string): GlueExample {
    const { texts, label } = this.columns;
    const textOf = (name: string) => {
      const text = row[name];
      if (typeof text === "string") return text;
      throw new ScaloraError("data", `The column "${name}" is not text`, {
        where: source,
        found: String(text),
      });
    };
    return { source, texts: pairOf(texts.map(textOf)), label: this.label(row[label], source) };
  }

  private get columns() {
    return this.chosen ?? { texts: [], label: "" };
  }

  private label(value: unknown, source: string): number {
    const { labels, name } = this.task;
    const isNumber = typeof value === "number" || (typeof value === "string" && value.trim() !== "");
    const number = isNumber ? Number(value) : Number.NaN;
    const found = JSON.stringify(value) ?? "nothing";
    if (labels === undefined) {
      const limits = { least: 0, most: 5 };
      if (isWithinLimits(number, limits)) return number;
      throw new ScaloraError("data", `A row of ${name} has no score`, {
        where: source,
        expected: limitsText(limits),
        found,
      });
    }
    const place = typeof value === "string" && labels.includes(value) ? labels.indexOf(value) : number;
    if (Number.isInteger(place) && place >= 0 && place < labels.length) return place;
    throw new ScaloraError("data", `A row of ${name} has an unknown label`, {
      where: source,
      expected: `${labels.join(", ")}, or 0 to ${labels.length - 1}`,
      found,
      fix: number === -1 ? "the test sets of GLUE have no labels; use the dev set" : undefined,
    });
  }
}

const pairOf = ([text = "", pair]: readonly string[]): TextOrPair =>
  pair === undefined ? [text] : [text, pair];
