import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * A file of the optional `shared` folder next to the repository (real data and reference vectors); undefined if it is
 * missing: the tests that need it are then skipped, and their names mention it.
 */
export function sharedPath(...parts: string[]): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/${parts.join("/")}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
