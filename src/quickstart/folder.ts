import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { makeFolders, writeFileAtomic } from "../util/files.ts";
import { type Exercise, type ExerciseSplits, type Split, splitNames } from "./demo.ts";

/** What a quickstart puts into its folder, beside a run's folder for each method. */
export const fileNames = {
  /** Marks the folder; holds the results in the end. */
  results: "quickstart.json",
  data: "data",
  recipe: "recipe.yaml",
  report: "report.html",
} as const;

/** Names of runs, models and programs, which a quickstart of either job may have left. */
const outputNames = ["lora", "scalora-i", "full", "model", "model.gguf", "chat.mjs", "Modelfile"];

/**
 * Makes the output folder, or clears what an earlier quickstart left in it, and writes the task's rows.
 * @returns the folder of the rows
 * @throws ScaloraError `usage` when the folder holds other things, `run` when it cannot be written
 */
export function prepareFolder(out: string, task: ExerciseSplits): string {
  checkOutputFolder(out);
  makeWritable(out);
  removePreviousOutput(out);
  writeFileAtomic(join(out, fileNames.results), "{}\n");
  const data = join(out, fileNames.data);
  mkdirSync(data);
  for (const part of splitNames) writeFileAtomic(splitFile(data, part), lines(task[part]));
  return data;
}

/** The rows of one part of the task. */
export const splitFile = (data: string, part: Split) => join(data, `${part}.jsonl`);

const lines = (items: readonly Exercise[]) => items.map(({ row }) => `${JSON.stringify(row)}\n`).join("");

/**
 * Whether a quickstart may have a folder: one that is not there, is empty, or holds an earlier quickstart.
 * @throws ScaloraError `usage`
 */
export function checkOutputFolder(out: string): void {
  if (!existsSync(out)) return;
  const isFolder = statSync(out).isDirectory();
  const content = isFolder ? readdirSync(out) : [];
  if (isFolder && (content.length === 0 || content.includes(fileNames.results))) return;
  throw new ScaloraError("usage", "The output folder holds something else than an earlier quickstart", {
    where: resolve(out),
    found: isFolder ? content.slice(0, 5).join(", ") : "a file",
    fix: "name another folder with --out",
  });
}

/** Makes the folder if need be. */
function makeWritable(out: string): void {
  try {
    makeFolders(out);
    accessSync(out, constants.W_OK);
  } catch (cause) {
    throw new ScaloraError("run", "The output folder cannot be written", {
      where: out,
      found: messageOf(cause),
      fix: "make room or permissions there, or name another folder with --out",
      cause,
    });
  }
}

/** Removes only what a quickstart makes: other runs in the folder stay. */
function removePreviousOutput(out: string): void {
  for (const name of [...Object.values(fileNames), ...outputNames])
    rmSync(join(out, name), { recursive: true, force: true });
}
