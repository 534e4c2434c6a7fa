import { ScaloraError } from "./errors.ts";

/**
 * Refuses promises in place of what they give, which programs that are not type-checked can pass.
 * @param values by the names that the caller knows them by
 * @throws ScaloraError `usage` naming the value
 */
export function requireAwaited(values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(value instanceof Promise)) continue;
    throw new ScaloraError("usage", "An await is missing", {
      where: name,
      expected: "what the promise gives",
      found: "a promise",
      fix: `await it first: const ${name} = await …`,
    });
  }
}
