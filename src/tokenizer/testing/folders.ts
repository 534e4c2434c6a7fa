import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { loadTokenizer } from "../../model-files/load-tokenizer.ts";
import { ScaloraError } from "../../util/errors.ts";

/** Removed after the tests of the file. */
export const temporary = mkdtempSync(join(tmpdir(), "scalora-tokenizer-"));
afterAll(() => rmSync(temporary, { recursive: true }));
let folders = 0;

export type Files = Record<string, string | Uint8Array | object>;

/** A new folder with these files; objects become JSON. */
export function writeTokenizerFolder(files: Files): string {
  const path = join(temporary, `${folders++}`);
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    const raw = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(join(path, name), raw ? content : JSON.stringify(content));
  }
  return path;
}

/** A copy of a fixture's tokenizer with further files. */
export function copyGoldenTokenizer(name: string, files: Files = {}): string {
  const source = fileURLToPath(new URL(`../../../test/golden/tokenizers/${name}`, import.meta.url));
  const path = writeTokenizerFolder({});
  for (const file of readdirSync(source)) {
    if (file !== "expected.json") copyFileSync(join(source, file), join(path, file));
  }
  const more = writeTokenizerFolder(files);
  for (const file of readdirSync(more)) copyFileSync(join(more, file), join(path, file));
  return path;
}

/** What loading the folder throws. */
export async function loadingError(folder: string): Promise<ScaloraError> {
  const error = await loadTokenizer(folder).catch((thrown: unknown) => thrown);
  if (!(error instanceof ScaloraError)) throw new Error(`not a ScaloraError: ${error}`);
  return error;
}
