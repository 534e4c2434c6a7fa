import { setImmediate } from "node:timers/promises";
import { readRows } from "../../data/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { findTaskFiles } from "./find-task-files.ts";
import type { TaskExample, TextTask } from "./task.ts";

/** After so many rows, what else waits (a signal) has its turn. */
const rowsAtOnce = 256;

/** Which examples of a task are read. */
export interface ReadTaskOptions {
  readonly split: "train" | "test";
  /** Maximum examples, the first ones of the file; default all. */
  readonly limit?: number | undefined;
  /** Ends the reading: its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Reads examples of a task.
 * @param roots folders that hold the tasks' folders
 * @throws ScaloraError `usage` when there is no file, `data` for rows of another task
 */
export async function readTaskExamples(
  task: TextTask,
  roots: readonly string[],
  { split, limit = Number.POSITIVE_INFINITY, signal }: ReadTaskOptions,
): Promise<TaskExample[]> {
  const examples: TaskExample[] = [];
  for (const path of findTaskFiles(roots, task, [split])) {
    for await (const { line, value } of readRows(path, signal)) {
      if (examples.length >= limit) return examples;
      if (examples.length % rowsAtOnce === 0) await setImmediate();
      signal?.throwIfAborted();
      examples.push(task.read(value, `${path}:${line}`));
    }
  }
  if (examples.length > 0) return examples;
  throw new ScaloraError("data", `The data of ${task.name} has no rows`, { where: roots.join(", ") });
}
