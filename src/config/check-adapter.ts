import { adapterSchema } from "./adapter.js";
import { sectionNode } from "./describe.js";
import { ConfigError, keyText, translateIssues } from "./issues.js";

/**
 * Checks options given in code by the schema of a recipe's `adapter` section.
 * @throws ConfigError with every problem: unknown keys with the nearest known one, and wrong values
 */
export function checkAdapterOptions(options: unknown): void {
  const { error } = adapterSchema.safeParse(options);
  if (error === undefined) return;
  const issues = translateIssues(error.issues, sectionNode("adapter"), options);
  throw new ConfigError(
    "The adapter",
    issues.map(({ path, ...issue }) => ({
      where: "the options given in code",
      key: keyText(["adapter", ...path]),
      ...issue,
    })),
  );
}
