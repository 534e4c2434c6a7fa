import { basename } from "node:path";
import { messageOf, ScaloraError } from "./errors.ts";
import { readFileText } from "./read-file.ts";
import { type JsonValue, parseJson } from "./strict-json.ts";

/** Size of a config or an index; those of the largest models have a few MB. */
const maxBytes = 1 << 26;

/** A JSON object as a file holds it: keys in order, numbers as written. */
export type JsonObject = Map<string, JsonValue>;

const fix = "download or copy the file again, or correct it";

/** Reads a file that must hold one JSON object. Throws ScaloraError with `code`, naming the file. */
export function readJsonObject(path: string, code: "model" | "format" = "model"): JsonObject {
  let text: string;
  try {
    text = readFileText(path, maxBytes);
  } catch (error) {
    throw new ScaloraError(code, `Cannot read ${basename(path)}`, {
      where: path,
      found: messageOf(error),
      fix: "give a folder whose files can be read",
      cause: error,
    });
  }
  try {
    const value = parseJson(text);
    if (value instanceof Map) return value;
  } catch (error) {
    throw new ScaloraError(code, `${basename(path)} is not valid JSON`, {
      where: path,
      found: messageOf(error),
      fix,
      cause: error,
    });
  }
  throw new ScaloraError(code, `${basename(path)} does not hold a JSON object`, { where: path, fix });
}
