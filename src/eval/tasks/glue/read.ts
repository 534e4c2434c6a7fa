import { readRows, readTsv } from "../../../data/index.js";
import { ScaloraError } from "../../../util/errors.js";
import { findTaskFiles } from "../files.js";
import type { Row } from "../task.js";
import type { GlueTask } from "./task.js";

/** A row of a GLUE task. */
export interface GlueExample {
  /** `file:line` */
  readonly source: string;
  /** One sentence, or the two of a pair in the task's order. */
  readonly texts: readonly string[];
  /** The number of its class, or a score. */
  readonly label: number;
}

export interface GlueData {
  readonly examples: readonly GlueExample[];
  /** Rows of the official TSV that are cut short, as some of QQP are: left out, as the Hugging Face reader does. */
  readonly dropped: readonly { readonly source: string; readonly reason: string }[];
}

/**
 * Reads a split of a GLUE task: the official TSV (split on tabs, quotes are text), or JSONL, JSON or Parquet with the
 * columns of the Hugging Face hub.
 * @param roots folders that hold `CoLA`, `SST-2` and so on
 * @throws ScaloraError `usage` when there is no file, `data` naming file, line and column for what is not of the task
 */
export async function readGlue(
  task: GlueTask,
  roots: readonly string[],
  split: "train" | "dev",
): Promise<GlueData> {
  const folders = [task.folder, task.name];
  const source = "https://gluebenchmark.com/tasks or the data set nyu-mll/glue of the Hugging Face hub";
  return readGlueFiles(task, findTaskFiles(roots, { folders, source }, task.splits[split]));
}

/** Reads some files of a GLUE task, as `readGlue`. */
export async function readGlueFiles(task: GlueTask, paths: readonly string[]): Promise<GlueData> {
  const examples: GlueExample[] = [];
  const dropped: { source: string; reason: string }[] = [];
  for (const path of paths) {
    const isTsv = path.toLowerCase().endsWith(".tsv");
    const columns = new Columns(task);
    for await (const { line, value } of isTsv ? readTsv(path, task.columns) : readRows(path)) {
      const source = `${path}:${line}`;
      columns.choose(value, source);
      const missing = columns.missing(value);
      if (isTsv && missing !== undefined) dropped.push({ source, reason: `it has no column ${missing}` });
      else examples.push(columns.read(value, source));
    }
  }
  if (examples.length === 0)
    throw new ScaloraError("data", `The data of ${task.name} has no rows`, { where: paths.join(", ") });
  return { examples, dropped };
}

/** Every metric of a task by its name, in [-1, 1]; NaN where it has no value (a correlation of equal scores). */
export function scoreGlue(
  task: GlueTask,
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
): Record<string, number> {
  return Object.fromEntries(task.metrics.map(({ name, score }) => [name, score(labels, predictions)]));
}

/** The columns of one file. */
class Columns {
  private readonly task: GlueTask;
  private chosen: { texts: readonly string[]; label: string } | undefined;

  constructor(task: GlueTask) {
    this.task = task;
  }

  /** Chooses among the names that a column can have, by the file's first row. */
  choose(row: Row, where: string): void {
    if (this.chosen !== undefined) return;
    const present = Object.keys(row);
    const find = (names: readonly string[]) => {
      const name = names.find((candidate) => present.includes(candidate));
      if (name !== undefined) return name;
      throw new ScaloraError("data", `This is no file of ${this.task.name}: it lacks a column`, {
        where,
        expected: names.join(" or "),
        found: `columns ${present.join(", ")}`,
      });
    };
    this.chosen = { texts: this.task.texts.map(find), label: find(this.task.label) };
  }

  /** The first column that a row lacks. */
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
    return { source, texts: texts.map(textOf), label: this.label(row[label], source) };
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
      if (number >= 0 && number <= 5) return number;
      throw new ScaloraError("data", `A row of ${name} has no score`, {
        where: source,
        expected: "a number from 0 to 5",
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
