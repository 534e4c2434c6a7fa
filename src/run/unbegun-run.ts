import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeEmptyFolders } from "../util/files.ts";
import { ProcessLock } from "../util/locks/process-lock.ts";
import { runFiles } from "./run-files.ts";

/** Removes the rows that a program has put into a run's folder, if the run has not begun; one that has needs them. */
export function removeUnbegunRows(path: string): void {
  if (existsSync(join(path, runFiles.config))) return;
  rmSync(join(path, runFiles.rows), { recursive: true, force: true });
}

/** Frees the folder of a run whose thread was ended while it loaded. What an earlier process has saved of the run stays. */
export function freeUnbegunRun(path: string): void {
  ProcessLock.removeOwn(join(path, runFiles.lock));
  removeUnbegunRows(path);
  removeEmptyFolders([path]);
}
