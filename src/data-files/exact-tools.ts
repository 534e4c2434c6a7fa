import { isRecord } from "../util/json.ts";
import { JsonError, type JsonValue, parseJson } from "../util/strict-json.ts";

/** What rows name functions and calls of them by. */
const mentionsTools = /"(?:tools|tool_calls)"/;

/**
 * A row, or a list of them, with its `tools` and the `arguments` of calls as the text has them: maps in their order, numbers as
 * written. Plain objects would reorder keys that are numbers, and write other numbers (1.0, integers beyond 2^53).
 * @param value what `JSON.parse` makes of the text
 */
export function withExactTools(value: unknown, text: string): unknown {
  if (!mentionsTools.test(text)) return value;
  try {
    return exactTools(value, parseJson(text));
  } catch (error) {
    // Such as a key that is there twice: the value is as JSON.parse has it.
    if (error instanceof JsonError) return value;
    throw error;
  }
}

function exactTools(value: unknown, exact: JsonValue | undefined): unknown {
  if (Array.isArray(value) && Array.isArray(exact)) return value.map((item, i) => exactTools(item, exact[i]));
  if (!isRecord(value) || !(exact instanceof Map)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const isExact = (key === "tools" && Array.isArray(item)) || (key === "arguments" && isRecord(item));
      return [key, isExact ? exact.get(key) : exactTools(item, exact.get(key))];
    }),
  );
}
