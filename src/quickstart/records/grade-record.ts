import type { Grade } from "../demo.ts";
import { recordFields } from "./customer-messages.ts";

/**
 * Compares an answer with the expected JSON record, field by field. Values must be equal; numbers may have quotes. An answer
 * with text around its JSON or with additional fields is not exact, but its fields can be correct.
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

const isSame = (found: unknown, expected: unknown): boolean =>
  found === expected || (typeof expected === "number" && found === String(expected));

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
