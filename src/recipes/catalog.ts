import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { textTasks } from "../eval/tasks/index.ts";
import { modelFamilies } from "../models/index.ts";
import { statsOf } from "../util/read-file.ts";

/** The supported model families, by the `model_type` of their `config.json`. */
export const listModels = modelFamilies;

/** The tasks of `scalora eval --tasks`: names, and the possible names of their data folders. */
export function listTasks(): { task: string; folders: readonly string[]; description: string }[] {
  return [...textTasks.values()].map(({ name, folders, description }) => ({
    task: name,
    folders,
    description,
  }));
}

export interface RecipeEntry {
  path: string;
  /** First line of the comment at the top of the file. */
  description: string;
}

/** The recipes in the given folders, sorted by path; missing folders are skipped. */
export function listRecipes(folders: readonly string[]): RecipeEntry[] {
  const paths = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(folder, name)),
  );
  const files = paths.filter((path) => statsOf(path)?.isFile()).sort();
  return files.map((path) => ({ path, description: firstComment(readFileSync(path, "utf8")) }));
}

function firstComment(text: string): string {
  const [head = ""] = text.split(/^[^#\s]/m);
  return /^#\s*(.+)$/m.exec(head)?.[1]?.trim() ?? "";
}
