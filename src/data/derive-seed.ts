import { createHash } from "node:crypto";

/** An integer seed derived from all parts. */
export function deriveSeed(...parts: readonly (string | number)[]): number {
  return createHash("sha256").update(JSON.stringify(parts)).digest().readUIntBE(0, 6);
}
