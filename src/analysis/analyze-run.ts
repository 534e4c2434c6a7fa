import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { requiredMatches } from "../adapters/core/path-matcher.ts";
import { openModel } from "../assemble/open-model.ts";
import type { ReportTable } from "../report/index.ts";
import { writeReport } from "../report/index.ts";
import { eventsOfType, type RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { type ScalingEvent, scalingEvents } from "../run/scaling-events.ts";
import { effectiveState, isActive, readStatus } from "../run/status.ts";
import { ScaloraError } from "../util/errors.ts";
import { requireWritable } from "../util/output-path.ts";
import { shellQuote } from "../util/shell-quote.ts";
import { MatchTime } from "../util/timed-regexp.ts";
import { recordingCost, toAnalysisRecord } from "./analysis-record.ts";
import type { AnalysedEvent, AnalysisResult, RunAnalyze } from "./analysis-request.ts";
import { rankReport } from "./change-rank.ts";
import { analysisCharts } from "./charts.ts";
import { analysisTables } from "./tables.ts";
import { changedLayerPaths } from "./weight-change.ts";

export { analysisTables } from "./tables.ts";

/**
 * The paper's figures for a finished run: its analysis records, and the exact ranks of the accumulated change in its last
 * checkpoint.
 * @throws ScaloraError `usage` for an unfinished run or a pattern that matches no layer, `format` for a damaged record, and
 * the errors of `openModel`
 */
export const runAnalyze: RunAnalyze = async (request, { signal }) => {
  const path = resolve(request.path);
  assertFinished(path);
  const out = reportPath(path, request.out);
  requireWritable(out);
  const events = readEvents(path);
  const end = await exactRanks(path, request.layers, signal);
  const result = resultOf({ path, out, events, end });
  writeReport(out, {
    title: `Analysis of ${basename(path)}`,
    facts: [
      { label: "Method", value: result.method },
      { label: "Steps", value: String(end.step) },
      { label: "Layers", value: String(end.layers.length) },
    ],
    charts: analysisCharts(result),
    tables: [...analysisTables(result), layerTable(result)],
    samples: [],
  });
  return result;
};

interface Parts {
  readonly path: string;
  readonly out: string;
  readonly events: readonly RunEvent[];
  readonly end: AnalysisResult["end"];
}

function resultOf({ path, out, events, end }: Parts): AnalysisResult {
  const wanted = new Set(end.layers.map((layer) => layer.path));
  const records = eventsOfType(events, "analysis")
    .map((record) => ({ ...record, layers: record.layers.filter((layer) => wanted.has(layer.path)) }))
    .filter(({ layers }) => layers.length > 0)
    .map(toAnalysisRecord);
  const hint =
    records.length > 0
      ? null
      : "This run has no analysis records: train with --set run.analysis.every=50 for the other figures.";
  const method = eventsOfType(events, "start").at(0)?.method ?? "–";
  return {
    run: path,
    method,
    end,
    events: scalingEvents(events).map(analysedEvent),
    records,
    cost: recordingCost(records, events),
    hint,
    report: out,
  };
}

function analysedEvent({ step, report, loss, nextLoss }: ScalingEvent): AnalysedEvent {
  const { rho, columnSteps, normGrowth, growthOverNoise } = report;
  const orNull = (value: number | undefined) =>
    value !== undefined && Number.isFinite(value) ? value : null;
  return {
    step,
    rho: orNull(rho),
    columnSteps: orNull(columnSteps),
    normGrowth: orNull(normGrowth),
    growthOverNoise: orNull(growthOverNoise),
    loss: orNull(loss),
    nextLoss: orNull(nextLoss),
  };
}

/** The ranks of the accumulated change in the last checkpoint, by full singular value decompositions in float64. */
async function exactRanks(
  path: string,
  pattern: string | undefined,
  signal: AbortSignal,
): Promise<AnalysisResult["end"]> {
  const started = performance.now();
  using open = await openModel({ path, checkpoint: "last" });
  const { model, adapters } = open;
  if (!adapters)
    throw new ScaloraError("usage", "A run without adapters has no accumulated change", { where: path });
  const paths = selectLayers(changedLayerPaths(model, adapters), pattern);
  signal.throwIfAborted();
  using original = await open.loadOriginal();
  const { rank, entropyRank, layers } = rankReport(model, adapters, original, paths);
  const step = readStatus(path)?.step ?? 0;
  const seconds = (performance.now() - started) / 1000;
  return { step, rank, entropyRank, layers: [...layers], seconds };
}

function selectLayers(paths: readonly string[], pattern: string | undefined): string[] {
  if (pattern === undefined) return [...paths];
  const options = { where: "--layers", paths, kind: "linear layer", time: new MatchTime() };
  return [...requiredMatches(pattern, options)];
}

function assertFinished(path: string): void {
  const status = readStatus(path);
  if (status?.state === "finished") return;
  const isRunning = status !== undefined && isActive(status);
  throw new ScaloraError("usage", "This run has not finished", {
    where: path,
    found:
      status === undefined
        ? "no status"
        : `${effectiveState(status)}, step ${status.step} of ${status.totalSteps}`,
    fix: isRunning ? "wait for it" : `resume it: \`npx scalora train --resume ${shellQuote(path)}\``,
  });
}

/** Path of the HTML page: the run's own, which is overwritten, or a file that does not exist yet. */
function reportPath(path: string, out: string | undefined): string {
  if (out === undefined) return resolve(path, "analysis.html");
  if (!existsSync(out)) return resolve(out);
  throw new ScaloraError("usage", `${out} already exists`, {
    where: "--out",
    expected: "a file that does not exist",
  });
}

function layerTable({ end }: AnalysisResult): ReportTable {
  return {
    title: "Rank of the accumulated change at the end, layer by layer",
    columns: [
      { title: "layer" },
      { title: "rank", align: "right" },
      { title: "entropy rank", align: "right" },
    ],
    rows: end.layers.map(({ path, rank, entropyRank }) => [path, String(rank), entropyRank.toFixed(2)]),
  };
}
