import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join, parse, resolve } from "node:path";
import { cannotWrite } from "../util/cannot-write.ts";
import { ScaloraError } from "../util/errors.ts";
import { makeFolders } from "../util/files.ts";
import { writeOutputFile } from "../util/output-file.ts";
import { statsOf } from "../util/read-file.ts";
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

/** A folder made ready for a quickstart. */
interface PreparedFolder {
  /** The folder of the rows. */
  readonly data: string;
  /** What somebody has edited since an earlier quickstart, and where it is now. */
  readonly kept: readonly { readonly name: string; readonly as: string }[];
}

/**
 * Creates the output folder, or clears the files of an earlier quickstart but for a recipe and rows that were edited since, and
 * writes the data splits.
 * @throws ScaloraError `usage` when the folder holds other things, `run` when it cannot be written
 */
export function prepareFolder(out: string, task: ExerciseSplits): PreparedFolder {
  checkOutputFolder(out);
  makeWritable(out);
  const kept = keepEdited(out);
  removePreviousOutput(out);
  const data = join(out, fileNames.data);
  const markAsQuickstart = () => writeOutputFile(join(out, fileNames.results), "{}\n");
  markAsQuickstart();
  mkdirSync(data);
  for (const part of splitNames) writeOutputFile(splitFile(data, part), lines(task[part]));
  // So that rows which are newer than it have been edited.
  markAsQuickstart();
  return { data, kept };
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

/** Renames a recipe, or a folder of rows, that is newer than the results, which a quickstart writes last. */
function keepEdited(out: string): PreparedFolder["kept"] {
  const finished = changedAt(join(out, fileNames.results));
  return [fileNames.recipe, fileNames.data]
    .filter((name) => changedAt(join(out, name)) > finished)
    .map((name) => {
      const as = freeName(out, name);
      renameSync(join(out, name), join(out, as));
      return { name, as };
    });
}

/** The last change of a file, or of the files in a folder but those that programs hide there; 0 when it is not there. */
function changedAt(path: string): number {
  const stats = statsOf(path);
  if (!stats?.isDirectory()) return stats?.mtimeMs ?? 0;
  const files = readdirSync(path).filter((name) => !name.startsWith("."));
  return Math.max(0, ...files.map((name) => changedAt(join(path, name))));
}

/** `recipe.yaml` → `recipe-2.yaml`, or the next number without a file. */
function freeName(folder: string, name: string): string {
  const { name: stem, ext } = parse(name);
  for (let number = 2; ; number++) {
    const free = `${stem}-${number}${ext}`;
    if (!existsSync(join(folder, free))) return free;
  }
}

/** Removes only files of a quickstart: other runs in the folder are kept. */
function removePreviousOutput(out: string): void {
  for (const name of [...Object.values(fileNames), ...outputNames])
    rmSync(join(out, name), { recursive: true, force: true });
}
