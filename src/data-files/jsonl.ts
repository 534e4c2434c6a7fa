import { messageOf, ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { isNestedDeeper, maxNesting } from "../util/nesting.ts";
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
    value = JSON.parse(text);
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
    return value;
  }
  throw new ScaloraError("data", "A line is not a JSON object", {
    where,
    expected: 'an object with named columns, e.g. {"prompt": "…", "completion": "…"}',
    found: excerpt(text),
    ...(Array.isArray(value) && { fix: listFix }),
  });
}

/** @throws ScaloraError `data` for a row whose lists and objects lie in each other too deep */
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
