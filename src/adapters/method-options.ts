import type { z } from "zod";
import type { KeyIssue } from "../schema/config-issue.ts";
import { isRecord } from "../util/json.ts";
import type { Method, UncheckedSection } from "./core/method.ts";
import { naming } from "./core/name-method.ts";
import { listMethods } from "./registry.ts";

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

/**
 * Why a method cannot train on a base in 4 bits (`refusesQuantised`); undefined where it can.
 * @throws ScaloraError `run` naming the method, when its own code throws
 */
export const quantisedRefusal = (method: Method, adapter: UncheckedSection): string | undefined =>
  naming(method.name, "refusesQuantised()", () => method.refusesQuantised?.(adapter));

/** Names of the methods that can train on a base in 4 bits, under the options given; one that fails to answer is left out. */
export function methodsForQuantisedBase(adapter: UncheckedSection): string {
  const served = listMethods().filter((method) => {
    try {
      return quantisedRefusal(method, { ...adapter, method: method.name }) === undefined;
    } catch {
      return false;
    }
  });
  return served.map(({ name }) => name).join(", ");
}

/**
 * The method that made an adapter folder, by the folder's `adapter_config.json`.
 * @throws ScaloraError `run` naming the method whose `readsFolder` throws
 */
export const methodOfFolder = (config: Readonly<Record<string, unknown>>): Method | undefined =>
  listMethods().find((method) => naming(method.name, "readsFolder()", () => method.readsFolder?.(config)));
