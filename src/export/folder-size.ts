import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bytes of the files of a folder. */
export function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((total, name) => total + statSync(join(folder, name)).size, 0);
}
