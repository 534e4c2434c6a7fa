import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A fixture of `tools/reference/gguf_files.py`. */
export function goldenGguf(...parts: string[]): string {
  return join(fileURLToPath(new URL("../../test/golden/gguf", import.meta.url)), ...parts);
}
