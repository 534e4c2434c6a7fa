import { closeSync, fsyncSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder } from "../util/files.ts";

/** Gives a written file its name, so that no power cut leaves the name without the content. */
export function renameDurably(from: string, to: string): void {
  const descriptor = openSync(from, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(from, to);
  syncFolder(dirname(to));
}
