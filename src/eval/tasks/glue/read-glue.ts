import { type GlueExample, type GlueTask, readGlueRows } from "../../../data/index.ts";
import { ScaloraError } from "../../../util/errors.ts";
import { findTaskFiles } from "../find-task-files.ts";

export interface GlueData {
  readonly examples: readonly GlueExample[];
  /** Incomplete rows of the official TSV (QQP has some), dropped as in the Hugging Face reader. */
  readonly dropped: readonly { readonly source: string; readonly reason: string }[];
}

/**
 * Reads a split of a GLUE task: the official TSV (split on tabs, quotes are text), or JSONL, JSON or Parquet with the
 * columns of the Hugging Face hub.
 * @param roots folders that hold `CoLA`, `SST-2` and so on
 * @throws ScaloraError `usage` when there is no file, `data` naming file, line and column for rows of another task
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

/** As `readGlue`, from the given files. */
export async function readGlueFiles(task: GlueTask, paths: readonly string[]): Promise<GlueData> {
  const examples: GlueExample[] = [];
  const dropped: { source: string; reason: string }[] = [];
  for (const path of paths) {
    for await (const row of readGlueRows(task, path)) {
      if ("reason" in row) dropped.push(row);
      else examples.push(row);
    }
  }
  if (examples.length === 0)
    throw new ScaloraError("data", `The data of ${task.name} has no rows`, { where: paths.join(", ") });
  return { examples, dropped };
}
