import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { ScaloraError } from "../../util/errors.ts";

/** Location of a task's files. */
export interface TaskDataLocation {
  /** Possible names of the task's folder, ours first. */
  readonly folders: readonly string[];
  /** Where to get the data. */
  readonly source: string;
}

/** Endings of data files, the preferred first. */
export const dataEndings = ["jsonl", "json", "parquet", "csv", "tsv"];

/**
 * The files of one split of a task: `FOLDER/NAME.ENDING`, or the numbered parts of a Parquet set
 * (`NAME-00000-of-00002.parquet`). In a folder `NAME` every `.json` file below it is one row (MATH's layout).
 * @param roots folders that hold the tasks' folders, or a task's folder itself
 * @param names possible names of the split's file without its ending, in order of preference
 * @throws ScaloraError `usage` naming the expected files and the source of the data
 */
export function findTaskFiles(
  roots: readonly string[],
  location: TaskDataLocation,
  names: readonly string[],
): string[] {
  const found = filesByFolder(roots, location.folders, names);
  if (found.length === 0) throw noTaskFiles(roots, location, names);
  return found;
}

/**
 * As `findTaskFiles`; none where no folder has one of the names.
 * @throws ScaloraError `usage` for a root that does not exist
 */
export function filesByFolder(
  roots: readonly string[],
  folders: readonly string[],
  names: readonly string[],
): string[] {
  for (const root of roots) {
    if (!existsSync(root))
      throw new ScaloraError("usage", "There is no such folder of task data", { where: root });
    if (!statSync(root).isDirectory()) continue;
    const places = [
      ...folders.map((folder) => join(root, folder)),
      ...(folders.includes(basename(resolve(root))) ? [root] : []),
    ];
    for (const place of places) {
      for (const name of names) {
        const found = filesOf(place, name);
        if (found.length > 0) return found;
      }
    }
  }
  return [];
}

export function noTaskFiles(
  roots: readonly string[],
  { folders, source }: TaskDataLocation,
  names: readonly string[],
): ScaloraError {
  return new ScaloraError("usage", `There is no data for ${folders[0]}`, {
    where: roots.join(", ") || "no folder given",
    expected: `${folders.join(" or ")} / ${names.join(" or ")} .${dataEndings.join(", .")}`,
    fix: `give the folder or the file that holds it (--data, or tasks.data of a plan); get it from ${source}`,
  });
}

function filesOf(place: string, name: string): string[] {
  for (const ending of dataEndings) {
    const path = join(place, `${name}.${ending}`);
    if (existsSync(path)) return [path];
  }
  if (!existsSync(place)) return [];
  const isPart = (file: string) =>
    file.startsWith(`${name}-`) && /^\d+-of-\d+\.parquet$/.test(file.slice(name.length + 1));
  const parts = readdirSync(place).filter(isPart).sort();
  if (parts.length > 0) return parts.map((file) => join(place, file));
  const folder = join(place, name);
  return existsSync(folder) && statSync(folder).isDirectory() ? jsonFilesBelow(folder) : [];
}

function jsonFilesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((file) => join(folder, file));
}
