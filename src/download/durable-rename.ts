import { closeSync, fsyncSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder } from "../util/files.ts";

/** Renames a written file so that after a power cut the new name never lacks the content. */
export function renameDurably(from: string, to: string): void {
  const descriptor = openSync(from, "r+"); // Windows flushes only what may be written
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(from, to);
  syncFolder(dirname(to));
}
