import type { z } from "zod";
import { valueAt } from "../util/value-at.ts";

/** The first issue of a failed schema check, as an error message reports it. */
export interface SchemaIssue {
  /** Path of the value, joined by dots; empty for the root. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
}

/** The first issue of a value that failed its schema. */
export function firstIssue(error: z.ZodError, value: unknown): SchemaIssue {
  const [issue] = error.issues;
  if (!issue) return { key: "", expected: "a value that fits the schema", found: jsonText(value) };
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

/** A value as error messages show it. */
export const jsonText = (value: unknown) =>
  value === undefined ? "nothing" : JSON.stringify(value).slice(0, 200);
