import { join } from "node:path";
import type { Recipe } from "../config/index.ts";
import { isReport } from "../report/index.ts";
import { eventsOfType, type StartEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { readStatus } from "../run/status.ts";
import { findNewestValid, readState } from "../train/checkpoints/read-checkpoint.ts";
import { divergenceAtEnd, hasCollapsed } from "../train/divergence.ts";
import { guessLoss } from "../train/objective.ts";
import { parseState } from "../train/progress-state.ts";
import type { RunResult } from "./run-result.ts";
import { runPath } from "./run-settings.ts";
import { analysisSeconds, runReportFile, trainingSummary } from "./run-summary.ts";

/**
 * The result of a run that has nothing left to do, without its model: it has finished, the checkpoint of its last step is
 * whole and no other is damaged, and its report, which is written last, shows all of its record.
 * @returns undefined for any other run
 */
export function finishedRun(recipe: Recipe): RunResult | undefined {
  const folder = runPath(recipe);
  if (readStatus(folder)?.state !== "finished") return undefined;
  const events = readEvents(folder);
  const [start, end] = [eventsOfType(events, "start").at(-1), eventsOfType(events, "end").at(-1)];
  if (start === undefined || (end?.reason !== "finished" && end?.reason !== "early")) return undefined;
  const newest = findNewestValid(join(folder, "checkpoints"));
  if (newest?.entry.step !== end.step || newest.broken.length > 0) return undefined;
  const report = runReportFile(recipe, events);
  if (!isReport(report.path, report.data)) return undefined;
  const checkpoint = newest.entry.path;
  const progress = parseState(readState(checkpoint), checkpoint);
  const guess = guessLossOf(start);
  return {
    folder,
    task: start.task ?? "causal-lm",
    totalSteps: start.totalSteps,
    parameters: start.parameters,
    analysisSeconds: analysisSeconds(recipe, events),
    ...trainingSummary({
      ...progress,
      reason: end.reason,
      checkpoint,
      seconds: end.seconds,
      divergence: divergenceAtEnd(progress, guess),
      collapsed: hasCollapsed(progress, guess),
    }),
    alreadyFinished: true,
  };
}

function guessLossOf({ task = "causal-lm", model, data }: StartEvent): number {
  return guessLoss(task, task === "causal-lm" ? model.vocabSize : (data.labels ?? []).length);
}
