import { join } from "node:path";
import { writeReport } from "../report/index.ts";
import type { Interruptible } from "../util/interruptible.ts";
import type { CompareProgress, CompareRequest } from "./compare-request.ts";
import { planReport, type RecipeComparison } from "./plan-report.ts";
import { type PlanPart, type PlanTable, planTables } from "./plan-table.ts";
import { type ComparePlan, planSettings, recipeName } from "./read-plan.ts";
import { checkComparison, runCompare } from "./run-compare.ts";
import { makeSeedSets } from "./seed-sets.ts";
import { checkTasks } from "./task-scoring.ts";
import { assertNoReservedKeys } from "./trial-overrides.ts";
import type { TrialResult } from "./trials.ts";

export { planRemarks, planViews } from "./plan-report.ts";
export { isPlanFile, readPlan } from "./read-plan.ts";

/** What a plan is run with; the rest is in the plan. */
export interface PlanRequest extends Pick<CompareRequest, "set" | "out" | "jobs" | "command"> {
  /** Name of the plan, for the page. */
  readonly name: string;
  readonly plan: ComparePlan;
  readonly seeds: readonly number[];
  readonly tuningSeeds: readonly number[] | undefined;
}

/** A plan's tables, and the comparison of each recipe. */
export interface PlanResult {
  readonly tables: readonly PlanTable[];
  readonly comparisons: readonly RecipeComparison[];
  readonly report: string;
}

/**
 * Compares a plan's settings on each of its recipes in turn, each in a folder of its own. Recipes, settings and
 * tasks, with their data, are checked before anything runs; finished runs are not repeated.
 * @throws ScaloraError and ConfigError as `planSettings`, `checkTasks` and `runCompare` do
 */
export async function runPlan(
  { plan, name, set, seeds, tuningSeeds, out, jobs, command }: PlanRequest,
  hooks: Interruptible & {
    onProgress(recipe: string, progress: CompareProgress): void;
    onNote?(text: string): void;
  },
): Promise<PlanResult> {
  const overrides = [...plan.set, ...set];
  const requests = plan.recipes.map((recipe): CompareRequest & { readonly name: string } => {
    const own = recipeName(recipe);
    const settings = planSettings(plan, recipe, overrides);
    const tasks = plan.tasks && { ...plan.tasks, seeds };
    const seedSets = makeSeedSets(seeds, tuningSeeds, settings);
    const base = { name: own, recipe, set: overrides, settings, out: join(out, own), jobs, command, tasks };
    return { ...base, ...seedSets };
  });
  assertNoReservedKeys(set);
  for (const request of requests) checkComparison(request);
  if (plan.tasks !== undefined) await checkTasks(plan.tasks, hooks.signal);
  const parts: PlanPart[] = [];
  const comparisons: RecipeComparison[] = [];
  for (const { name: recipe, ...request } of requests) {
    const results: TrialResult[] = [];
    const onProgress = (progress: CompareProgress) => {
      if (progress.finished !== undefined) results.push(progress.finished);
      hooks.onProgress(recipe, progress);
    };
    const comparison = await runCompare(request, { ...hooks, onProgress });
    comparisons.push({ recipe, ...comparison });
    parts.push({ recipe, rows: comparison.rows, results });
  }
  const tables = planTables(name, Object.keys(plan.settings), parts, plan.tasks?.names);
  const report = join(out, "report.html");
  writeReport(report, planReport(name, tables, comparisons));
  return { tables, comparisons, report };
}
