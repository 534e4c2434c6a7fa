import { ConfigError } from "../schema/config-error.ts";
import { unknownKeyIssues } from "../schema/translate-issues.ts";
import { describeSection } from "./field-descriptions.ts";
import { type RecipeSource, readRecipeSource } from "./recipe-source.ts";

/**
 * The `adapter` section of a recipe for another method: the recipe's values of the keys that this method has too, unchecked.
 * @param set overrides `section.key=value` that count as the recipe's
 * @throws ConfigError for keys that no method has, and for `from` where the method cannot continue from a folder: without it,
 * this method would start from another model than the others
 */
export function adapterSectionForMethod(
  path: string,
  method: string,
  set: readonly string[] = [],
): Record<string, unknown> {
  const source = readRecipeSource(path, set);
  const section = adapterSection(source.value);
  const fields = describeSection("adapter");
  checkKnownKeys(
    source,
    Object.keys(section),
    fields.map(({ key }) => key),
  );
  const known = fields
    .filter(({ methods }) => methods === undefined || methods.includes(method))
    .map(({ key }) => key);
  if ("from" in section && !known.includes("from"))
    throw new ConfigError(source.name, [
      {
        where: source.where(["adapter", "from"]),
        key: "adapter.from",
        path: ["adapter", "from"],
        problem: `${method} cannot go on from an adapter, and would start from the base model`,
        fix: `leave ${method} out, or adapter.from`,
      },
    ]);
  const kept = Object.entries(section).filter(([key]) => known.includes(key));
  return { ...Object.fromEntries(kept), method };
}

function adapterSection(recipe: unknown): object {
  const section: unknown =
    typeof recipe === "object" && recipe !== null ? Reflect.get(recipe, "adapter") : {};
  return typeof section === "object" && section !== null ? section : {};
}

function checkKnownKeys(source: RecipeSource, keys: readonly string[], known: readonly string[]): void {
  const issues = keys
    .filter((key) => !known.includes(key))
    .map((key) => ({
      where: source.where(["adapter", key]),
      key: `adapter.${key}`,
      path: ["adapter", key],
      ...unknownKeyIssues(known)(key),
    }));
  if (issues.length > 0) throw new ConfigError(source.name, issues);
}
