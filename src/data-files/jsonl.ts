import { messageOf, ScaloraError } from "../util/errors.ts";
import { formatCount } from "../util/format.ts";
import { isRecord } from "../util/json.ts";
import { isNestedDeeper, maxNesting } from "../util/nesting.ts";
import { withExactTools } from "./exact-tools.ts";
import { readTextLines } from "./text-lines.ts";

/** One JSON object of a JSONL file, with its line number from 1. */
export interface DataRow {
  line: number;
  value: Readonly<Record<string, unknown>>;
}

/**
 * The rows of a JSONL file. Lines end at "\n" only (U+2028 and the like belong to the data); blank lines are skipped.
 * @throws ScaloraError `data` naming file and line for a line that is not UTF-8, not JSON or not an object.
 */
export function* readJsonl(path: string): Generator<DataRow> {
  let line = 0;
  for (const text of readTextLines(path)) {
    line++;
    if (text.trim() === "") continue;
    yield { line, value: parseObject(text, `${path}:${line}`) };
  }
}

function parseObject(text: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch (cause) {
    throw new ScaloraError("data", "A line is not valid JSON", {
      where,
      expected: "one JSON object a line (JSONL)",
      found: `${excerpt(text)} (${messageOf(cause)})`,
      ...(text.trimStart().startsWith("[") && { fix: listFix }),
      cause,
    });
  }
  if (isRecord(value)) {
    assertFlat(value, where);
    const exact = withExactTools(value, text);
    return isRecord(exact) ? exact : value;
  }
  throw new ScaloraError("data", "A line is not a JSON object", {
    where,
    expected: 'an object with named columns, e.g. {"prompt": "…", "completion": "…"}',
    found: excerpt(text),
    ...(Array.isArray(value) && { fix: listFix }),
  });
}

/** Values of a text; an empty list takes two characters of a file, and 40 bytes of memory. */
const maxValues = 20_000_000;

/**
 * `JSON.parse`, but for texts of so many values that they would not fit into memory.
 * @throws Error
 */
export function parseJsonText(text: string): unknown {
  if (text.length > 2 * maxValues && countStarts(text) > maxValues)
    throw new Error(`more than ${formatCount(maxValues)} values`);
  return JSON.parse(text);
}

/** At least as many as the values of a JSON text: what begins a list, an object or a further item. */
function countStarts(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b || code === 0x2c) count++;
  }
  return count;
}

/** @throws ScaloraError `data` for a row that is nested too deeply */
export function assertFlat(row: unknown, where: string): void {
  if (!isNestedDeeper(row)) return;
  throw new ScaloraError("data", "A row is nested too deeply", {
    where,
    expected: `at most ${maxNesting} levels of lists and objects`,
    fix: "take out what is nested, or write it as text",
  });
}

/** Advice for a file that is one JSON array. */
const listFix = "if the file is one list of rows, let its name end in .json";

function excerpt(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
