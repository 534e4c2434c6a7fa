import { ScaloraError } from "../../util/errors.ts";
import type { Row, TaskExample, TextTask } from "./task.ts";

/** Column name of a task to column name in the file. */
type ColumnNames = Readonly<Record<string, string>>;

/**
 * Reads a row of a task's file.
 * @throws ScaloraError `data` naming the row, with the file's own columns, for a row of another task
 */
export function readTaskRow(task: TextTask, row: Row, source: string, given: ColumnNames = {}): TaskExample {
  const example = task.read(withColumns(row, task, given, source), source);
  if (example !== undefined) return example;
  const { name, columns, layouts } = task;
  throw new ScaloraError("data", `A row lacks columns of ${name}`, {
    where: source,
    expected: layouts.join(", or "),
    found: foundColumns(row),
    fix: `give the file of ${name}, or rename its columns; scalora eval can be told their names instead (--columns ${columns[0]}=NAME)`,
  });
}

const foundColumns = (row: Row) => `columns ${Object.keys(row).join(", ") || "none"}`;

/** A row under the task's own names of columns, of which some were given. */
function withColumns(row: Row, task: TextTask, given: ColumnNames, where: string): Row {
  const named = Object.entries(given).filter(([ours]) => task.columns.includes(ours));
  if (named.length === 0) return row;
  const missing = named.find(([, theirs]) => !(theirs in row));
  if (missing !== undefined)
    throw new ScaloraError("data", `The column "${missing[1]}", named in --columns, does not exist`, {
      where,
      found: foundColumns(row),
    });
  const names = new Map(named);
  return Object.fromEntries(
    task.columns.flatMap((ours): [string, unknown][] => {
      const theirs = names.get(ours) ?? ours;
      return theirs in row ? [[ours, row[theirs]]] : [];
    }),
  );
}
