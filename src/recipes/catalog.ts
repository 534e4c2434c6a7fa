import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { textTasks } from "../eval/tasks/index.js";
import { modelFamilies } from "../models/index.js";
import type { RecordedStatus } from "../train/run-events.js";
import { isActive, listRunNames, readStatus } from "../train/run-files.js";

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
  return /^#\s*(.+)$/m.exec(text.split(/^[^#\s]/m)[0])?.[1].trim() ?? "";
}

export interface RunEntry {
  name: string;
  path: string;
  /** `interrupted`: the process is gone without having said how it ended; the run can be resumed. */
  state: "starting" | "running" | "paused" | "finished" | "stopped" | "failed" | "interrupted" | "unknown";
  method: string | null;
  step: number | null;
  totalSteps: number | null;
  loss: number | null;
  bestEvalLoss: number | null;
  /** Of a task's data: the score by which that evaluation is the best. */
  bestScore: number | null;
  /** ISO 8601. */
  updatedAt: string | null;
}

/** Where a run stands; `interrupted` where its process is gone without having said how it ended. */
export function stateOf(status: RecordedStatus): RecordedStatus["state"] | "interrupted" {
  const unfinished = ["starting", "running", "paused"].includes(status.state);
  return unfinished && !isActive(status) ? "interrupted" : status.state;
}

/** The runs of a folder, nested ones too, with where they stand, sorted by name (their path below the folder). */
export function listRuns(folder: string): RunEntry[] {
  return runPaths(folder).map((path) => {
    const name = relative(folder, path);
    const status = readStatus(path);
    return {
      name,
      path,
      state: status === undefined ? "unknown" : stateOf(status),
      method: status?.method ?? null,
      step: status?.step ?? null,
      totalSteps: status?.totalSteps ?? null,
      loss: status?.loss ?? null,
      bestEvalLoss: status?.bestEvalLoss ?? null,
      bestScore: status?.bestScore ?? null,
      updatedAt: status?.updatedAt ?? null,
    };
  });
}

/** Where nobody keeps runs. */
const otherFolders = /^(\.|node_modules$)/;

function runPaths(folder: string): string[] {
  const runs = new Set(listRunNames(folder));
  const nested = foldersIn(folder).filter((name) => !runs.has(name) && !otherFolders.test(name));
  const paths = [...runs].map((name) => join(folder, name));
  return [...paths, ...nested.flatMap((name) => runPaths(join(folder, name)))].sort();
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    // Gone, or not ours to read: no runs to list.
    return [];
  }
}
