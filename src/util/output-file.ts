import { existsSync, realpathSync } from "node:fs";
import { cannotWrite } from "./cannot-write.ts";
import { writeFileAtomic } from "./files.ts";
import { statsOf } from "./read-file.ts";

/** Writes a file of results, atomically. @throws ScaloraError `run` when it cannot be written */
export function writeOutputFile(path: string, content: string): void {
  try {
    writeFileAtomic(path, content);
  } catch (cause) {
    throw cannotWrite("The file cannot be written", path, { cause });
  }
}

/**
 * Refuses a named pipe, since opening one blocks until there is a reader. One that is open already, such as /dev/stdout, is fine.
 * @throws Error in plain words
 */
export function refuseNamedPipe(path: string): void {
  if (statsOf(path)?.isFIFO() && isNamed(path)) throw new Error("a pipe, not a file");
}

/** Whether a path leads to a name of the file system: that of an open pipe is none. */
function isNamed(path: string): boolean {
  try {
    return existsSync(realpathSync(path));
  } catch {
    return false;
  }
}
