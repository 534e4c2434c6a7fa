import { basename, dirname, extname, resolve } from "node:path";
import { z } from "zod";
import { loadRecipe } from "../config/index.ts";
import { readRecipeSource } from "../config/recipe-source.ts";
import { ConfigError, formatKeyPath } from "../schema/config-error.ts";
import { oneOrMore, pathString, positive, seed } from "../schema/field-types.ts";
import { translateIssues } from "../schema/translate-issues.ts";
import { isRecord } from "../util/json.ts";
import { findMethod, type Setting } from "./method-settings.ts";
import { candidatesOf, splitSweep } from "./sweep-options.ts";
import { type PlanTasks, planTasks } from "./task-scoring.ts";

const planSetting = z.strictObject({
  method: z.string().min(1).meta({ expects: "a method (scalora ls methods)" }),
  adapter: z
    .record(z.string(), z.unknown())
    .default({})
    .meta({ expects: "keys of the adapter section; a list where one value belongs is swept" }),
  lr: oneOrMore(positive())
    .optional()
    .meta({ expects: "a learning rate or a list of them; left out, the recipe's own" }),
});

const planSchema = z.strictObject({
  recipes: z
    .array(pathString("the path of a recipe, seen from the plan's folder"))
    .min(1)
    .refine((paths) => new Set(paths.map(recipeName)).size === paths.length)
    .meta({ expects: "a list of recipes, whose files have different names" }),
  settings: z.record(z.string().min(1), planSetting).meta({ expects: "settings by their names" }),
  seeds: z.array(seed()).min(1).default([0, 1, 2]).meta({ expects: "a list of seeds" }),
  tuningSeeds: z
    .array(seed())
    .min(1)
    .optional()
    .meta({ expects: "a list of seeds on which sweeps choose, none of seeds" }),
  set: z.array(z.string().min(1)).default([]).meta({ expects: "overrides such as train.steps=100" }),
  tasks: planTasks.optional(),
});

/** What a plan's table calls a recipe. */
export const recipeName = (path: string) => basename(path, extname(path));

type PlanSetting = z.output<typeof planSetting>;

/** A table of several recipes and settings, as a plan file describes it. */
export interface ComparePlan {
  /** Absolute paths. */
  readonly recipes: readonly string[];
  readonly settings: Readonly<Record<string, PlanSetting>>;
  readonly seeds: readonly number[];
  readonly tuningSeeds?: readonly number[] | undefined;
  readonly set: readonly string[];
  readonly tasks?: PlanTasks | undefined;
}

/** Whether a YAML file is a plan: it lists recipes, where a recipe has sections. @throws ConfigError when it is no YAML */
export function isPlanFile(path: string): boolean {
  const { value } = readRecipeSource(path, []);
  return isRecord(value) && "recipes" in value;
}

/** @throws ConfigError with every problem of the plan */
export function readPlan(path: string): ComparePlan {
  const source = readRecipeSource(path, []);
  const { success, data, error } = planSchema.safeParse(source.value);
  if (success) return { ...data, recipes: data.recipes.map((recipe) => resolve(dirname(path), recipe)) };
  const issues = translateIssues(error.issues, z.toJSONSchema(planSchema, { io: "input" }), source.value);
  throw new ConfigError(
    path,
    issues.map(({ path: key, ...issue }) => ({
      where: source.where(key),
      key: formatKeyPath(key) || "plan",
      ...issue,
    })),
  );
}

/**
 * The settings of a plan for one of its recipes.
 * @param set overrides of the recipe
 * @throws ScaloraError `usage` for an unknown method or a list that is no sweep; ConfigError for a faulty recipe
 */
export function planSettings({ settings }: ComparePlan, recipe: string, set: readonly string[]): Setting[] {
  return Object.entries(settings).map(([name, { method, adapter, lr }]) => {
    findMethod(method, `settings.${name}.method`);
    const { fixed, swept } = splitSweep(adapter, `settings.${name}.adapter`);
    const own = () => loadRecipe(recipe, { set, needsData: false }).train.lr;
    const lrs = [...new Set([lr ?? own()].flat())].sort((a, b) => a - b);
    return { name, method, adapterOverrides: fixed, candidates: candidatesOf(lrs, swept) };
  });
}
