import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { cannotWrite } from "../util/cannot-write.ts";
import { ScaloraError } from "../util/errors.ts";
import { makeFolders } from "../util/files.ts";
import { writeOutputFile } from "../util/output-file.ts";
import { type Exercise, type ExerciseSplits, type Split, splitNames } from "./demo.ts";

/** Files in a quickstart's folder, in addition to a run folder for each method. */
export const fileNames = {
  /** Identifies the folder as a quickstart's; holds the results at the end. */
  results: "quickstart.json",
  data: "data",
  recipe: "recipe.yaml",
  report: "report.html",
} as const;

/** Names of runs, models and programs that a quickstart of any demo may have written. */
const outputNames = ["lora", "scalora-i", "full", "model", "model.gguf", "chat.mjs", "Modelfile"];

/**
 * Creates the output folder, or clears the files of an earlier quickstart, and writes the data splits.
 * @returns the folder of the rows
 * @throws ScaloraError `usage` when the folder holds other things, `run` when it cannot be written
 */
export function prepareFolder(out: string, task: ExerciseSplits): string {
  checkOutputFolder(out);
  makeWritable(out);
  removePreviousOutput(out);
  writeOutputFile(join(out, fileNames.results), "{}\n");
  const data = join(out, fileNames.data);
  mkdirSync(data);
  for (const part of splitNames) writeOutputFile(splitFile(data, part), lines(task[part]));
  return data;
}

/** Path of the rows of one split. */
export const splitFile = (data: string, part: Split) => join(data, `${part}.jsonl`);

const lines = (items: readonly Exercise[]) => items.map(({ row }) => `${JSON.stringify(row)}\n`).join("");

/**
 * Checks that a quickstart may use a folder: it must be absent, empty, or hold an earlier quickstart.
 * @throws ScaloraError `usage`
 */
export function checkOutputFolder(out: string): void {
  if (!existsSync(out)) return;
  const isFolder = statSync(out).isDirectory();
  const content = isFolder ? readdirSync(out) : [];
  if (isFolder && (content.length === 0 || content.includes(fileNames.results))) return;
  throw new ScaloraError("usage", "The output folder holds files that are not from an earlier quickstart", {
    where: resolve(out),
    found: isFolder ? content.slice(0, 5).join(", ") : "a file",
    fix: "choose another folder with --out",
  });
}

/** Makes the folder if need be. */
function makeWritable(out: string): void {
  try {
    makeFolders(out);
    accessSync(out, constants.W_OK);
  } catch (cause) {
    throw cannotWrite("The output folder cannot be written", out, {
      cause,
      otherwise: "choose another folder with --out",
    });
  }
}

/** Removes only files of a quickstart: other runs in the folder are kept. */
function removePreviousOutput(out: string): void {
  for (const name of [...Object.values(fileNames), ...outputNames])
    rmSync(join(out, name), { recursive: true, force: true });
}
