import { join } from "node:path";
import { writeReport } from "../report/index.ts";
import { checkPlan, type PlanRequest } from "./check-plan.ts";
import type { CompareHooks, CompareProgress } from "./compare-request.ts";
import { planReport, type RecipeComparison } from "./plan-report.ts";
import { type PlanPart, type PlanTable, planTables } from "./plan-table.ts";
import { runCompare } from "./run-compare.ts";
import type { TrialResult } from "./trials.ts";

export { planRemarks, planViews } from "./plan-report.ts";
export { isPlanFile, readPlan } from "./read-plan.ts";

/** A plan's tables, and the comparison of each recipe. */
export interface PlanResult {
  readonly tables: readonly PlanTable[];
  readonly comparisons: readonly RecipeComparison[];
  readonly report: string;
}

/**
 * Compares a plan's settings on each of its recipes in turn, each in a folder of its own. Recipes, settings and
 * tasks, with their data, are checked before anything runs; finished runs are not repeated.
 * @throws ConfigError as `checkPlan` does, ScaloraError as `runCompare`
 */
export async function runPlan(
  request: PlanRequest,
  hooks: CompareHooks & { onProgress(recipe: string, progress: CompareProgress): void },
): Promise<PlanResult> {
  const { name, out, plan: file } = request;
  const { settings, tasks } = file.plan;
  const requests = await checkPlan(request, hooks.signal);
  const parts: PlanPart[] = [];
  const comparisons: RecipeComparison[] = [];
  for (const { name: recipe, ...comparison } of requests) {
    const results: TrialResult[] = [];
    const onProgress = (progress: CompareProgress) => {
      if (progress.finished !== undefined) results.push(progress.finished);
      hooks.onProgress(recipe, progress);
    };
    const result = await runCompare(comparison, { ...hooks, onProgress });
    comparisons.push({ recipe, ...result });
    parts.push({ recipe, rows: result.rows, results });
  }
  const tables = planTables(name, Object.keys(settings), parts, tasks?.names);
  const report = join(out, "report.html");
  writeReport(report, planReport(name, tables, comparisons));
  return { tables, comparisons, report };
}
