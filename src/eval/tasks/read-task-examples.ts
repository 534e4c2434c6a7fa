import { readRows } from "../../data/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { findTaskFiles } from "./find-task-files.ts";
import type { TaskExample, TextTask } from "./task.ts";

/**
 * Reads examples of a task.
 * @param roots folders that hold the tasks' folders
 * @param limit maximum examples, the first ones of the file
 * @throws ScaloraError `usage` when there is no file, `data` for rows of another task
 */
export async function readTaskExamples(
  task: TextTask,
  roots: readonly string[],
  { split, limit = Number.POSITIVE_INFINITY }: { split: "train" | "test"; limit?: number | undefined },
): Promise<TaskExample[]> {
  const examples: TaskExample[] = [];
  for (const path of findTaskFiles(roots, task, [split])) {
    for await (const { line, value } of readRows(path)) {
      if (examples.length >= limit) return examples;
      examples.push(task.read(value, `${path}:${line}`));
    }
  }
  if (examples.length > 0) return examples;
  throw new ScaloraError("data", `The data of ${task.name} has no rows`, { where: roots.join(", ") });
}
