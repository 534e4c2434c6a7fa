import { join } from "node:path";
import type { Recipe } from "../config/index.ts";
import { type ReportData, runReport } from "../report/index.ts";
import { eventsOfType, type RunEvent } from "../run/events.ts";
import { readOptional, runFiles } from "../run/run-files.ts";
import type { TrainResult } from "../train/train-options.ts";
import { runPath } from "./run-settings.ts";

/** The part of a result about the training itself. */
export function trainingSummary({
  reason,
  step,
  loss,
  lastEval,
  best,
  checkpoint,
  seconds,
  divergence,
  collapsed,
}: Omit<TrainResult, "firstEval" | "tokens" | "labelTokens" | "bestCheckpoint">) {
  return {
    reason,
    step,
    loss,
    evalLoss: lastEval?.loss ?? null,
    evalStep: lastEval?.step ?? null,
    bestEvalLoss: best?.loss ?? null,
    bestStep: best?.step ?? null,
    bestScore: best?.score ?? null,
    checkpoint: checkpoint ?? null,
    seconds,
    divergence: divergence ?? null,
    collapsed,
  };
}

/** Seconds that a run spent recording for `scalora analyze`; null where its recipe does not ask for that. */
export const analysisSeconds = ({ run }: Recipe, events: readonly RunEvent[]): number | null =>
  run.analysis ? eventsOfType(events, "analysis").reduce((sum, { seconds }) => sum + seconds, 0) : null;

/** The file of a run's report, and what it shows of these events. */
export function runReportFile(
  recipe: Recipe,
  events: readonly RunEvent[],
): { readonly path: string; readonly data: ReportData } {
  const folder = runPath(recipe);
  const data = runReport({ name: recipe.run.name, events }, readOptional(join(folder, runFiles.config)));
  return { path: join(folder, "report.html"), data };
}
