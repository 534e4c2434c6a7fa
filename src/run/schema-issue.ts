import type { z } from "zod";

/** What a schema found wrong first, in a message's terms. */
export interface SchemaIssue {
  /** Keys from the outside in, joined by dots; empty for the value itself. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
}

/** The first thing that is wrong with a value that a schema refused. */
export function firstIssue(error: z.ZodError, value: unknown): SchemaIssue {
  const [issue] = error.issues;
  if (!issue) return { key: "", expected: "what the schema says", found: jsonText(value) };
  return {
    key: issue.path.join("."),
    expected: expectedText(issue),
    found: jsonText(valueAt(value, issue.path)),
  };
}

function expectedText(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return issue.expected;
  if (issue.code === "invalid_union")
    return issue.errors.flatMap(([first]) => (first ? expectedText(first) : [])).join(" or ");
  return issue.message;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

/** A value as a message shows it. */
export const jsonText = (value: unknown) =>
  value === undefined ? "nothing" : JSON.stringify(value).slice(0, 200);
