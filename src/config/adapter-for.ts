import type { MethodName } from "./adapters/index.js";
import { describe } from "./describe.js";
import { readSource } from "./source.js";

/**
 * The `adapter` section that a recipe has for another method: what it says under keys that this method has too, unchecked.
 * @param set overrides `section.key=value` that count as the recipe's
 */
export function adapterFor(
  path: string,
  method: MethodName,
  set: readonly string[] = [],
): Record<string, unknown> {
  const { value } = readSource(path, set);
  const section = sectionOf(value);
  const known = describe("adapter")
    .filter(({ methods }) => methods === undefined || methods.includes(method))
    .map(({ key }) => key);
  const kept = Object.entries(section).filter(([key]) => known.includes(key));
  return { ...Object.fromEntries(kept), method };
}

function sectionOf(recipe: unknown): object {
  const section: unknown =
    typeof recipe === "object" && recipe !== null ? Reflect.get(recipe, "adapter") : {};
  return typeof section === "object" && section !== null ? section : {};
}
