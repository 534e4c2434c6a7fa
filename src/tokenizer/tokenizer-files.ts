import { join } from "node:path";
import type { z } from "zod";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { isNestedDeeper, maxNesting } from "../util/nesting.ts";
import { readFileBytes, readFileText, statsOf } from "../util/read-file.ts";

/** Size of a tokenizer file; the largest vocabularies have about 40 MB. */
const maxBytes = 1 << 27;

/** The path of a file in a folder, or undefined when it does not exist. */
export function findFile(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  return statsOf(path)?.isFile() ? path : undefined;
}

/** The text of a UTF-8 file. Throws `format` when it cannot be read or is not UTF-8. */
export function readText(path: string): string {
  try {
    return readFileText(path, maxBytes);
  } catch (cause) {
    throw tokenizerFormatError(path, "a UTF-8 text file", messageOf(cause), cause);
  }
}

/** The bytes of a file. Throws `format` when it cannot be read. */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileBytes(path, maxBytes);
  } catch (cause) {
    throw tokenizerFormatError(path, "a readable file", messageOf(cause), cause);
  }
}

/** A JSON file checked by a schema. Throws `format` with every fault that the schema finds. */
export function readJson<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> {
  let value: unknown;
  const text = readText(path);
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw tokenizerFormatError(path, "JSON", messageOf(cause), cause);
  }
  if (isNestedDeeper(value))
    throw tokenizerFormatError(path, `at most ${maxNesting} levels of lists and objects`, "more");
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const faults = checked.error.issues.map(
    ({ path: key, message }) => `${key.join(".") || "(top)"}: ${message}`,
  );
  throw tokenizerFormatError(path, "tokenizer settings", faults.join("; "));
}

/** The error of an invalid tokenizer file. */
export function tokenizerFormatError(
  where: string,
  expected: string,
  found: string,
  cause?: unknown,
): ScaloraError {
  return new ScaloraError("format", "A tokenizer file is malformed", { where, expected, found, cause });
}
