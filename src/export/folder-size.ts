import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Total size of the files in a folder, in bytes. */
export function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((total, name) => total + statSync(join(folder, name)).size, 0);
}
