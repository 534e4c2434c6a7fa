import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { messageOf, ScaloraError } from "./errors.ts";
import { type JsonValue, parseJson } from "./strict-json.ts";

/** A JSON object as a file holds it: keys in order, numbers as written. */
export type JsonObject = Map<string, JsonValue>;

/** Reads a file that must hold one JSON object. Throws ScaloraError with `code`, naming the file. */
export function readJsonObject(path: string, code: "model" | "format" = "model"): JsonObject {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ScaloraError(code, `Cannot read ${basename(path)}`, {
      where: path,
      found: messageOf(error),
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
      cause: error,
    });
  }
  throw new ScaloraError(code, `${basename(path)} does not hold a JSON object`, { where: path });
}
