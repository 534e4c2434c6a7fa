import { readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { readRows } from "../../data/index.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import { dataEndings } from "./find-task-files.ts";
import type { Row } from "./task.ts";

/** Most files that a search looks at, and how deep below a root it goes. */
const maxFiles = 2000;
const maxDepth = 5;

type Split = "train" | "test" | "validation";

/** A data file, or the numbered parts of a Parquet set. */
interface Candidate {
  readonly paths: readonly string[];
  /** Its folders from the root on, and the file's name without its ending. */
  readonly parts: readonly string[];
}

/** What is searched for. */
export interface TaskSearch {
  readonly name: string;
  /** Possible names of the task's folder. */
  readonly folders: readonly string[];
  /** Whether a row is one of the task. */
  fits(row: Row): boolean;
}

/**
 * Searches roots (folders, or data files) for the files of a task: by their fields, and by their names and those of their
 * folders where several have the same fields. The `test` split may be a validation set, or a file that names no split and is given
 * itself or named after the task.
 * @param others the other tasks; a file named after one that has the same fields is not taken
 * @returns none where no file fits
 * @throws ScaloraError `usage` where several files fit alike
 */
export async function searchTaskFiles(
  roots: readonly string[],
  search: TaskSearch,
  others: readonly TaskSearch[],
  split: "train" | "test",
): Promise<readonly string[]> {
  for (const root of roots) {
    const candidates = candidatesBelow(root);
    const groups = [
      { group: candidates.filter((one) => mentions(one, search)), rivals: [], isMeant: true },
      { group: candidates.filter((one) => !mentions(one, search)), rivals: others, isMeant: isFile(root) },
    ];
    for (const { group, rivals, isMeant } of groups) {
      const fits = (candidate: Candidate) => fitsTask(candidate, search, rivals);
      const splits = accepted[split].filter((named) => named !== undefined || isMeant);
      const found = await bestOfSplit(group, fits, splits, `${search.name}, in ${root}`);
      if (found !== undefined) return found.paths;
    }
  }
  return [];
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

function mentions({ parts }: Candidate, { folders }: TaskSearch): boolean {
  return parts.some((part) => folders.some((folder) => plain(part).includes(plain(folder))));
}

/** Whether a candidate's first row is one of the task, and not one of a rival that its name mentions. */
async function fitsTask(
  candidate: Candidate,
  search: TaskSearch,
  rivals: readonly TaskSearch[],
): Promise<boolean> {
  const row = await firstRow(elementAt(candidate.paths, 0));
  if (row === undefined || !isRowOf(search, row)) return false;
  return !rivals.some((rival) => mentions(candidate, rival) && isRowOf(rival, row));
}

const isRowOf = ({ fits }: TaskSearch, row: Row) => orUndefined(() => fits(row)) === true;

async function firstRow(path: string): Promise<Row | undefined> {
  try {
    for await (const { value } of readRows(path)) return value;
    return undefined;
  } catch (error) {
    if (error instanceof ScaloraError) return undefined;
    throw error;
  }
}

function orUndefined<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof ScaloraError) return undefined;
    throw error;
  }
}

/**
 * The splits that serve as one, the preferred first. A file that names none serves as a test set only where it is meant: where
 * it is given itself, or named after the task. Sets to train on have the same fields, and often no split in their names.
 */
const accepted = { train: ["train"], test: ["test", "validation", undefined] } as const;

async function bestOfSplit(
  candidates: readonly Candidate[],
  fits: (candidate: Candidate) => Promise<boolean>,
  splits: readonly (Split | undefined)[],
  what: string,
): Promise<Candidate | undefined> {
  for (const named of splits) {
    const fitting: Candidate[] = [];
    for (const candidate of candidates)
      if (splitOf(candidate) === named && (await fits(candidate))) fitting.push(candidate);
    if (fitting.length > 1) throw severalFit(fitting, what);
    if (fitting.length === 1) return fitting[0];
  }
  return undefined;
}

/** The split that a file names, or the folder nearest to it that names one. */
function splitOf({ parts }: Candidate): Split | undefined {
  for (const part of parts.toReversed())
    for (const word of part.toLowerCase().split(/[^a-z0-9]+/)) {
      if (word.startsWith("train")) return "train";
      if (word.startsWith("test")) return "test";
      if (word.startsWith("valid") || word === "val" || word === "dev") return "validation";
    }
  return undefined;
}

function severalFit(fitting: readonly Candidate[], what: string): ScaloraError {
  const shown = fitting.slice(0, 5).map(({ paths }) => elementAt(paths, 0));
  return new ScaloraError("usage", "Several files could be the data of a task", {
    where: what,
    found: `${shown.join(", ")}${fitting.length > shown.length ? ", …" : ""}`,
    fix: "give --data the one file",
  });
}

function candidatesBelow(root: string): Candidate[] {
  const groups = new Map<string, string[]>();
  for (const path of dataFiles(root)) {
    const key = path.replace(/-\d+-of-\d+(?=\.parquet$)/, "");
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  const above = dirname(resolve(root));
  return [...groups].map(([key, paths]) => {
    const folders = relative(above, dirname(resolve(key))).split(/[\\/]/);
    return { paths, parts: [...folders, basename(key, extname(key))] };
  });
}

/** The data files below a root in order, or the root itself where it is one. */
function dataFiles(root: string): string[] {
  if (isFile(root)) return [root];
  const found: string[] = [];
  const visit = (folder: string, depth: number) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).toSorted(byName)) {
      if (found.length >= maxFiles || entry.name.startsWith(".")) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < maxDepth) visit(path, depth + 1);
      else if (entry.isFile() && isDataFile(entry.name)) found.push(path);
    }
  };
  visit(root, 1);
  return found;
}

const isFile = (root: string) => !statSync(root).isDirectory();
const isDataFile = (name: string) => dataEndings.includes(extname(name).slice(1).toLowerCase());
const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
