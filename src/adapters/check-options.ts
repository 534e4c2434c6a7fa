import type { z } from "zod";
import type { KeyIssue } from "../schema/config-issue.ts";
import { isRecord } from "../util/json.ts";
import type { Method, UncheckedSection } from "./core/method.ts";
import { naming } from "./core/name-method.ts";

/**
 * Checks options by the schema of a method, or by the union of all.
 * @throws ScaloraError `run` naming the method, when the schema's own code throws
 */
export function safeParseOptions<T>(schema: z.ZodType<T>, options: unknown): z.ZodSafeParseResult<T> {
  const method = isRecord(options) ? options["method"] : undefined;
  return naming(String(method), "its schema", () => schema.safeParse(options));
}

/**
 * What a method finds wrong between keys (`check`).
 * @throws ScaloraError `run` naming the method, when `check` throws or returns no list of issues
 */
export function crossKeyIssues(
  method: Method | undefined,
  adapter: UncheckedSection,
  train: UncheckedSection,
): readonly KeyIssue[] {
  if (method?.check === undefined) return [];
  return naming(method.name, "check()", () => {
    const issues = method.check?.(adapter, train) ?? [];
    if (!isIssueList(issues)) throw new TypeError("it returned no list of issues with a path");
    return issues;
  });
}

const isIssueList = (issues: unknown): boolean =>
  Array.isArray(issues) && issues.every((issue) => isRecord(issue) && Array.isArray(issue["path"]));
