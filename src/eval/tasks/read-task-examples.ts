import { statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { readRows } from "../../data/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { filesByFolder, noTaskFiles } from "./find-task-files.ts";
import { readTaskRow } from "./read-task-row.ts";
import { searchTaskFiles } from "./search-task-files.ts";
import type { Row, TaskExample, TextTask } from "./task.ts";
import { textTasks } from "./text-tasks.ts";

/** After so many rows, what else waits (a signal) has its turn. */
const rowsAtOnce = 256;

/** Which examples of a task are read. */
export interface ReadTaskOptions {
  readonly split: "train" | "test";
  /** Maximum examples, the first ones of the file; default all. */
  readonly limit?: number | undefined;
  /** Ends the reading: its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Column name of the task to column name in the file. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
}

/**
 * Reads examples of a task.
 * @param roots folders that hold the tasks' data in any layout, or data files
 * @throws ScaloraError `usage` when there is no file, or more than one; `data` for rows of another task
 */
export async function readTaskExamples(
  task: TextTask,
  roots: readonly string[],
  { split, limit = Number.POSITIVE_INFINITY, columns, signal }: ReadTaskOptions,
): Promise<TaskExample[]> {
  const examples: TaskExample[] = [];
  const read = (row: Row, source: string) => readTaskRow(task, row, source, columns);
  for (const path of await findFiles(task, roots, split, read)) {
    for await (const { line, value } of readRows(path, signal)) {
      if (examples.length >= limit) return examples;
      if (examples.length % rowsAtOnce === 0) await setImmediate();
      signal?.throwIfAborted();
      examples.push(read(value, `${path}:${line}`));
    }
  }
  if (examples.length > 0) return examples;
  throw new ScaloraError("data", `The data of ${task.name} has no rows`, { where: roots.join(", ") });
}

async function findFiles(
  task: TextTask,
  roots: readonly string[],
  split: "train" | "test",
  read: (row: Row, source: string) => TaskExample,
): Promise<readonly string[]> {
  const named = filesByFolder(roots, task.folders, [split]);
  if (named.length > 0) return named;
  const search = { name: task.name, folders: task.folders, fits: (row: Row) => read(row, "") !== undefined };
  const found = await searchTaskFiles(roots, search, searchesOfOthers(task), split);
  if (found.length > 0) return found;
  // The error of a file that was given by itself says what it lacks.
  const [only, ...more] = roots;
  const isOnlyFile = only !== undefined && more.length === 0 && statSync(only).isFile();
  if (split === "test" && isOnlyFile) return [only];
  throw noTaskFiles(roots, task, [split]);
}

const searchesOfOthers = (task: TextTask) =>
  [...textTasks.values()]
    .filter(({ name }) => name !== task.name)
    .map((other) => ({ ...other, fits: (row: Row) => other.read(row, "") !== undefined }));
