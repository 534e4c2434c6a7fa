import type { Grade } from "../demo.ts";
import { recordFields } from "./messages.ts";

/**
 * Compares an answer with the JSON of the record that it should be, field by field; values must be equal, numbers may be written with or
 * without quotes. An answer with text around its JSON can have right fields but is not exact, nor is one with other fields.
 */
export function gradeRecord(answer: string, expected: string): Grade {
  const wanted = parseObject(expected) ?? {};
  const found = parseObject(answer);
  const inside = found ?? parseObject(/\{[^{}]*\}/.exec(answer)?.[0] ?? "") ?? {};
  const right = recordFields.filter((field) =>
    isSame(Reflect.get(inside, field), Reflect.get(wanted, field)),
  ).length;
  const isExact = found !== undefined && Object.keys(found).length === recordFields.length;
  return { exact: isExact && right === recordFields.length, right, parts: recordFields.length };
}

function isSame(found: unknown, expected: unknown): boolean {
  return typeof found === "number" ? String(found) === expected : found === expected;
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
