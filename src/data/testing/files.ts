import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A file in a new folder, which is removed after the test file has run. */
export function temporaryFile(name: string, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "scalora-data-"));
  folders.push(folder);
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A JSONL file of these rows. */
export function jsonl(...rows: readonly unknown[]): string {
  return temporaryFile("rows.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
