import { createHash } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../setup/paths.ts";
import { writeFileOnce } from "../util/files.ts";

/*
 * Who names a plug-in in a recipe of theirs trusts it. A run's folder may come from anybody, and its plug-ins are imported only if
 * a recipe has named the same files on this machine.
 */

/** Remembers that a recipe names a plug-in. */
export function rememberPlugin(file: string): void {
  try {
    const note = noteOf(file);
    if (!existsSync(note)) writeFileOnce(note, `${realpathSync(file)}\n`, () => true);
  } catch {
    // Without a cache folder runs have to be told anew.
  }
}

/** Whether a recipe has named a plug-in on this machine. */
export const isKnownPlugin = (file: string): boolean => existsSync(noteOf(file));

/** The note of a plug-in, whatever path leads to it. */
function noteOf(file: string): string {
  const name = createHash("sha256").update(realpathSync(file)).digest("hex").slice(0, 32);
  return join(cacheFolder(), "plugins", name);
}
