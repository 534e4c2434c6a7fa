import { adapterSchema } from "./adapter.ts";
import { findMethodConfig } from "./adapters/index.ts";
import type { CrossKeyIssue } from "./adapters/method-config.ts";
import { ConfigError, formatKeyPath, translateIssues } from "./config-error.ts";
import { sectionJsonSchema } from "./field-descriptions.ts";

/**
 * Checks options given in code by the schema of a recipe's `adapter` section.
 * @throws ConfigError with every problem: unknown keys with the nearest known one, wrong values, and keys that exclude each other
 */
export function checkAdapterOptions(options: unknown): void {
  const { error } = adapterSchema.safeParse(options);
  const issues = error
    ? translateIssues(error.issues, sectionJsonSchema("adapter"), options)
    : crossKeyIssues(options).map(({ path: [, ...path], ...issue }) => ({ path, ...issue }));
  if (issues.length === 0) return;
  throw new ConfigError(
    "The adapter",
    issues.map(({ path, ...issue }) => ({
      where: "the options given in code",
      key: formatKeyPath(["adapter", ...path]),
      ...issue,
    })),
  );
}

/** What the keys of a checked section say about each other. */
function crossKeyIssues(options: unknown): CrossKeyIssue[] {
  const section = { ...(typeof options === "object" ? options : {}) };
  const { method } = adapterSchema.parse(options);
  return findMethodConfig(method)?.check?.(section, {}) ?? [];
}
