import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { textTasks } from "../eval/tasks/index.ts";
import { modelFamilies } from "../models/index.ts";

/** The model families that can be loaded, by the `model_type` of their `config.json`. */
export const listModels = modelFamilies;

/** The tasks of `scalora eval --tasks`: their names, and the names that the folder of their data may have. */
export function listTasks(): { task: string; folders: readonly string[]; description: string }[] {
  return [...textTasks.values()].map(({ name, folders, description }) => ({
    task: name,
    folders,
    description,
  }));
}

export interface RecipeEntry {
  path: string;
  /** The comment at the top of the file, its first line. */
  description: string;
}

/** The recipes of some folders, sorted by path; folders that do not exist hold none. */
export function listRecipes(folders: readonly string[]): RecipeEntry[] {
  const paths = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(folder, name)),
  );
  return paths.sort().map((path) => ({ path, description: firstComment(readFileSync(path, "utf8")) }));
}

function firstComment(text: string): string {
  const [head = ""] = text.split(/^[^#\s]/m);
  return /^#\s*(.+)$/m.exec(head)?.[1]?.trim() ?? "";
}
