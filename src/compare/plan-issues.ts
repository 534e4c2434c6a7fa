import { readRecipeSource } from "../config/recipe-source.ts";
import { ConfigError, formatKeyPath } from "../schema/config-error.ts";
import type { ConfigIssue, KeyPath } from "../schema/config-issue.ts";
import { ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import type { PlanFile } from "./read-plan.ts";

/** The recipe and the setting of a plan whose trial was checked. */
export interface PlanCell {
  /** Index in the plan's recipes. */
  readonly recipe: number;
  /** Name of the setting; undefined where the recipe itself was read. */
  readonly setting?: string;
  /** The recipe's overrides. */
  readonly set: readonly string[];
}

/** An error that is about one key of a plan, as its issue. @throws the error itself when it is a fault of ours */
export function keyIssue(error: unknown, file: PlanFile, key: KeyPath): ConfigIssue {
  const { message, expected, found, fix } = asRefusal(error);
  const [problem = message] = message.split("\n", 1);
  return { ...placeIn(file, key), problem, expected, found, fix };
}

/** Where a key of a plan is. */
export const placeIn = (file: PlanFile, path: KeyPath) => ({
  where: file.where(path),
  key: formatKeyPath(path),
  path,
});

/** What is wrong with a trial's recipe, by the plan's keys where the plan has the values. @throws faults of ours */
export function trialIssues(error: unknown, file: PlanFile, cell: PlanCell): ConfigIssue[] {
  if (error instanceof ConfigError) return error.issues.map((issue) => inPlan(issue, file, cell));
  const issue = keyIssue(error, file, ["recipes", cell.recipe]);
  return [{ ...issue, where: asRefusal(error).where ?? issue.where }];
}

function asRefusal(error: unknown): ScaloraError {
  if (error instanceof ScaloraError && error.code !== "internal") return error;
  throw error;
}

/** An issue of a recipe, whose place may be one of the overrides that its trial was made with. */
function inPlan(issue: ConfigIssue, file: PlanFile, { recipe, setting, set }: PlanCell): ConfigIssue {
  const { plan } = file;
  const at = (key: KeyPath) => ({ ...issue, ...placeIn(file, key) });
  const path = plan.recipes[recipe] ?? "";
  if (issue.where === path && issue.key === "recipe")
    return { ...at(["recipes", recipe]), problem: `${path} ${issue.problem}` };
  const own = setting === undefined ? undefined : plan.settings[setting];
  const key = issue.path ?? [];
  const [section, top = ""] = key;
  if (setting !== undefined && own !== undefined && isOverride(issue, "adapter")) {
    if (section !== "adapter") return at(["settings", setting, "adapter"]);
    if (top === "method") return at(["settings", setting, "method"]);
    if (top in own.adapter || !hasAdapterKey(path, set, top)) return at(["settings", setting, ...key]);
    return inSet({ ...issue, where: readRecipeSource(path, set).where(key) }, file);
  }
  if (setting !== undefined && own?.lr !== undefined && isOverride(issue, "train.lr"))
    return at(["settings", setting, "lr"]);
  return inSet(issue, file);
}

const isOverride = ({ where }: ConfigIssue, key: string) => where.startsWith(`--set ${key}=`);

/** An issue of one of the plan's own overrides. */
function inSet(issue: ConfigIssue, file: PlanFile): ConfigIssue {
  const index = file.plan.set.findIndex((override) => issue.where === `--set ${override}`);
  if (index < 0) return issue;
  return { ...issue, ...placeIn(file, ["set", index]), problem: `${issue.key}: ${issue.problem}` };
}

function hasAdapterKey(recipe: string, set: readonly string[], key: string | number): boolean {
  const { value } = readRecipeSource(recipe, set);
  const adapter = isRecord(value) ? value["adapter"] : undefined;
  return isRecord(adapter) && key in adapter;
}
