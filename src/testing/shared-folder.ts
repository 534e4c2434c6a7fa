import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * A file of the optional `shared` folder beside the repository (real data and reference vectors), or undefined when
 * it is not there; tests that use it say so in their names and skip.
 */
export function sharedPath(...parts: string[]): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/${parts.join("/")}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
