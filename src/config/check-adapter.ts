import { adapterSchema } from "./adapter.ts";
import { factsOf } from "./adapters/index.ts";
import type { CrossIssue } from "./adapters/method.ts";
import { sectionNode } from "./describe.ts";
import { ConfigError, keyText, translateIssues } from "./issues.ts";

/**
 * Checks options given in code by the schema of a recipe's `adapter` section.
 * @throws ConfigError with every problem: unknown keys with the nearest known one, wrong values, and keys that exclude each other
 */
export function checkAdapterOptions(options: unknown): void {
  const { error } = adapterSchema.safeParse(options);
  const issues = error
    ? translateIssues(error.issues, sectionNode("adapter"), options)
    : betweenKeys(options).map(({ path: [, ...path], ...issue }) => ({ path, ...issue }));
  if (issues.length === 0) return;
  throw new ConfigError(
    "The adapter",
    issues.map(({ path, ...issue }) => ({
      where: "the options given in code",
      key: keyText(["adapter", ...path]),
      ...issue,
    })),
  );
}

/** What the keys of a checked section say about each other. */
function betweenKeys(options: unknown): CrossIssue[] {
  const section = { ...(typeof options === "object" ? options : {}) };
  const { method } = adapterSchema.parse(options);
  return factsOf(method)?.check?.(section, {}) ?? [];
}
