import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package: this repository, or `node_modules/scalora`. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** `$XDG_CACHE_HOME/scalora`, or `~/.cache/scalora`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "scalora");
}
