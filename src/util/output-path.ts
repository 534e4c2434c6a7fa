import { mkdtempSync, rmdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { cannotWrite } from "./cannot-write.ts";
import { ScaloraError } from "./errors.ts";
import { expandHome } from "./expand-home.ts";
import { makeFolders, removeEmptyFolders } from "./files.ts";

/**
 * The place that a program names for a file or folder to be written.
 * @throws ScaloraError `usage` for no text, and for an empty one, which would be the current folder
 */
export function outputPath(given: string): string {
  if (typeof given === "string" && given !== "") return resolve(expandHome(given));
  throw new ScaloraError("usage", "There is no path to write to", {
    expected: "the path of a file or folder that does not exist yet",
    found: given === "" ? '""' : `a value of type ${typeof given}`,
  });
}

/**
 * Tries whether a new file or folder can be written: makes and removes a folder beside it, and the folders above that are missing.
 * @throws ScaloraError `run` with the system's reason
 */
export function requireWritable(path: string): void {
  const folder = dirname(path);
  let made: readonly string[] = [];
  try {
    made = makeFolders(folder);
    rmdirSync(mkdtempSync(join(folder, ".scalora-")));
  } catch (cause) {
    throw cannotWrite("The output cannot be written", path, { cause, otherwise: "choose another place" });
  } finally {
    removeEmptyFolders(made);
  }
}
