import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../setup/paths.ts";
import { writeFileOnce } from "../util/files.ts";

/*
 * Who names a plug-in in a recipe of theirs trusts it, as it is and where it is: what it imports depends on its place. A run's folder
 * may come from anybody, and its plug-ins are imported only if a recipe has named the same files on this machine.
 */

/** Makes every plug-in of a run known, where notes cannot be kept: set to `1`. */
export const trustVariable = "SCALORA_TRUST_RUN_PLUGINS";

/** Remembers that a recipe names a plug-in. */
export function rememberPlugin(file: string): void {
  try {
    const { path, text } = noteOf(file);
    if (!existsSync(path)) writeFileOnce(path, text, () => true);
  } catch {
    // Where nothing can be kept, runs are opened with the variable.
  }
}

/** Whether a recipe of this user has named a plug-in on this machine. */
export function isKnownPlugin(file: string, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env[trustVariable] === "1") return true;
  const { path, text } = noteOf(file);
  if (!existsSync(path)) return false;
  const stats = lstatSync(path);
  // Several users may share a cache folder, and rename each other's files there.
  const isOwn = process.getuid === undefined || stats.uid === process.getuid();
  return stats.isFile() && isOwn && readFileSync(path, "utf8") === text;
}

/** A user's note of a plug-in, whatever path leads to it. */
function noteOf(file: string): { path: string; text: string } {
  const owner = `${process.getuid?.() ?? ""}\0${realpathSync(file)}\0`;
  const hash = createHash("sha256").update(owner).update(readFileSync(file)).digest("hex");
  return { path: join(cacheFolder(), "plugins", hash.slice(0, 32)), text: `${hash}\n` };
}
