import { basename, dirname, extname, resolve } from "node:path";
import { z } from "zod";
import { loadRecipe } from "../config/index.ts";
import { readRecipeSource } from "../config/recipe-source.ts";
import { formatKeyPath } from "../schema/config-error.ts";
import type { ConfigIssue, KeyPath } from "../schema/config-issue.ts";
import { oneOrMore, pathString, positive, seed } from "../schema/field-types.ts";
import { translateIssues } from "../schema/translate-issues.ts";
import { isRecord } from "../util/json.ts";
import type { Setting } from "./method-settings.ts";
import { candidatesOf, type SweptSection } from "./sweep-options.ts";
import { type PlanTasks, planTasks } from "./task-scoring.ts";

const planSetting = z.strictObject({
  method: z.string().min(1).meta({ expects: "a method (scalora ls methods)" }),
  adapter: z
    .record(z.string(), z.unknown())
    .default({})
    .meta({ expects: "keys of the adapter section; a list where one value belongs is swept" }),
  lr: oneOrMore(positive())
    .refine((rates) => new Set([rates].flat()).size === [rates].flat().length)
    .optional()
    .meta({ expects: "a learning rate or a list of different ones; left out, the recipe's own" }),
});

const seeds = () =>
  z
    .array(seed())
    .min(1)
    .refine((all) => new Set(all).size === all.length);

const planSchema = z.strictObject({
  recipes: z
    .array(pathString("the path of a recipe, seen from the plan's folder"))
    .min(1)
    .meta({ expects: "a list of recipes, whose files have different names" }),
  settings: z
    .record(z.string().min(1), planSetting)
    .refine((settings) => Object.keys(settings).length > 0)
    .meta({ expects: "settings by their names, such as LoRA: { method: lora }" }),
  seeds: seeds().default([0, 1, 2]).meta({ expects: "a list of different seeds" }),
  tuningSeeds: seeds()
    .optional()
    .meta({ expects: "a list of different seeds on which sweeps choose, none of seeds" }),
  set: z.array(z.string().min(1)).default([]).meta({ expects: "overrides such as train.steps=100" }),
  tasks: planTasks.optional(),
});

/** What a plan's table calls a recipe. */
export const recipeName = (path: string) => basename(path, extname(path));

export type PlanSetting = z.output<typeof planSetting>;

/** A plan as its file has it. */
export interface PlanFile {
  readonly path: string;
  /** What is sound of it. */
  readonly plan: ComparePlan;
  /** What is not, by the plan's keys. */
  readonly issues: readonly ConfigIssue[];
  /** `plan.yaml:12` of a key path. */
  where(key: KeyPath): string;
}

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

/**
 * Reads a plan; its problems are in the result, so that they can be reported with those of its recipes.
 * @throws ConfigError when it is no YAML
 */
export function readPlan(path: string): PlanFile {
  const { value, where } = readRecipeSource(path, []);
  const { error } = planSchema.safeParse(value);
  const found = error
    ? translateIssues(error.issues, z.toJSONSchema(planSchema, { io: "input" }), value)
    : [];
  const issues = found.map(({ path: key, ...issue }) => ({
    where: where(key),
    key: formatKeyPath(key) || "plan",
    path: key,
    ...issue,
  }));
  const plan = soundParts(value, dirname(path));
  return { path, plan, issues: [...issues, ...repeatedRecipes(plan.recipes, where)], where };
}

/** Recipes that have the name, and would have the folder, of an earlier one. */
function repeatedRecipes(recipes: readonly string[], where: PlanFile["where"]): ConfigIssue[] {
  const names = recipes.map(recipeName);
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (first === index) return [];
    const key = ["recipes", index];
    return {
      where: where(key),
      key: formatKeyPath(key),
      problem: `has the name of recipes[${first}]: ${name}`,
      expected: "recipes whose files have different names",
      found: recipes[index],
    };
  });
}

const soundOr = <T>(schema: z.ZodType<T>, value: unknown, otherwise: T): T =>
  schema.safeParse(value).data ?? otherwise;

/** What is sound of a plan, whatever is wrong with the rest. */
function soundParts(value: unknown, folder: string): ComparePlan {
  const given = isRecord(value) ? value : {};
  const { recipes, seeds, tuningSeeds, set, tasks } = planSchema.shape;
  const settings = isRecord(given["settings"]) ? given["settings"] : {};
  return {
    recipes: soundOr(recipes, given["recipes"], []).map((recipe) => resolve(folder, recipe)),
    settings: Object.fromEntries(
      Object.entries(settings).flatMap(([name, setting]) =>
        soundSetting(setting).map((sound): [string, PlanSetting] => [name, sound]),
      ),
    ),
    seeds: soundOr(seeds, given["seeds"], [0]),
    tuningSeeds: soundOr(tuningSeeds, given["tuningSeeds"], undefined),
    set: soundOr(set, given["set"], []),
    tasks: soundOr(tasks, given["tasks"], undefined),
  };
}

/** A setting without the keys that are wrong; none without its method. */
function soundSetting(value: unknown): PlanSetting[] {
  const given = isRecord(value) ? value : {};
  const { method, adapter, lr } = planSetting.shape;
  const name = method.safeParse(given["method"]).data;
  if (name === undefined) return [];
  return [
    {
      method: name,
      adapter: soundOr(adapter, given["adapter"], {}),
      lr: soundOr(lr, given["lr"], undefined),
    },
  ];
}

/** A setting of a plan, with the swept options of its adapter section apart. */
export interface SplitSetting extends Pick<PlanSetting, "method" | "lr">, SweptSection {
  readonly name: string;
}

/**
 * A setting of a plan for one of its recipes.
 * @param set overrides of the recipe
 * @throws ConfigError for a faulty recipe
 */
export function settingFor(
  { name, method, lr, fixed, swept }: SplitSetting,
  recipe: string,
  set: readonly string[],
): Setting {
  const own = () => loadRecipe(recipe, { set, needsData: false }).train.lr;
  const lrs = [lr ?? own()].flat().sort((a, b) => a - b);
  return { name, method, adapterOverrides: fixed, candidates: candidatesOf(lrs, swept) };
}
