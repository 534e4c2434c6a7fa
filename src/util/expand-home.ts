import { homedir } from "node:os";
import { join } from "node:path";

/** A path that begins with `~/` by its place in the home folder, as shells read it; no program but a shell does so by itself. */
export function expandHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
