import { join } from "node:path";
import { writeReport } from "../report/index.ts";
import { removeLeftovers } from "../run/leftovers.ts";
import { readStatus } from "../run/status.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { makeFolders } from "../util/files.ts";
import { type LockWait, ProcessLock } from "../util/locks/process-lock.ts";
import { writeOutputFile } from "../util/output-file.ts";
import type { CompareProgress, CompareRequest, CompareResult, RunCompare } from "./compare-request.ts";
import { processesHere } from "./processes-on-ranks.ts";
import { compareReport } from "./report.ts";
import { checkTrial, readTrialResult, runTrial, trialPlan } from "./run-trial.ts";
import { pendingTrials } from "./selection.ts";
import { allDifferences, summarise } from "./summary.ts";
import { tableRemark } from "./table.ts";
import { assertNoReservedKeys } from "./trial-overrides.ts";
import {
  checkSameInputs,
  countTrials,
  type Trial,
  type TrialPlan,
  type TrialResult,
  trialName,
} from "./trials.ts";

export { readSettings, type Setting } from "./method-settings.ts";
export { compareOnRanks } from "./processes-on-ranks.ts";
export { makeSeedSets } from "./seed-sets.ts";
export { compareColumns, missingTexts, tableCells } from "./table.ts";

/** Milliseconds between two progress reports of the active runs. */
const progressInterval = 1000;

/**
 * Trains every setting at every candidate of its sweep on the tuning seeds, then each at its best one on the seeds that count,
 * and compares them. All trials have the same data in the same order, schedule and budget. Finished trials are not repeated.
 */
export const runCompare: RunCompare = async (
  request,
  { signal, onProgress, onNote = () => {}, processes = processesHere },
) => {
  const { settings, out, jobs } = request;
  assertNoReservedKeys(request.set);
  using lock = await lockComparison(out, { signal, onWait: onNote });
  const assertHeld = () => lock.assertHeld();
  const plan = checkComparison(request);
  const { runs } = plan;
  makeRunFolders(runs);
  const total = countTrials(settings, request);
  const results: TrialResult[] = [];
  const running = new Map<string, Trial>();
  const reportProgress = () =>
    onProgress({
      done: results.length,
      total,
      running: [...running.keys()].map((name) => trialProgress(runs, name)),
    });
  const timer = setInterval(reportProgress, progressInterval);
  const finish = (result: TrialResult) => {
    checkSameInputs(result, results);
    results.push(result);
    assertHeld();
    writeOutputFile(join(out, "results.jsonl"), results.map((each) => `${JSON.stringify(each)}\n`).join(""));
    onProgress({ done: results.length, total, running: [], finished: result });
  };
  const work = async (cell: Trial) => {
    const name = trialName(cell);
    running.set(name, cell);
    try {
      checkTrial(cell, plan);
      finish(
        readTrialResult(cell, plan) ??
          (await runTrial(cell, plan, { signal, run: processes.run, assertHeld })),
      );
    } finally {
      running.delete(name);
    }
  };
  try {
    await runPool(
      () => pendingTrials(settings, request, results).filter((cell) => !running.has(trialName(cell))),
      work,
      jobs * processes.ranks,
    );
  } finally {
    clearInterval(timer);
  }
  assertHeld();
  return writeComparison(request, results);
};

/**
 * Checks every setting of a comparison; nothing is run or written.
 * @throws ScaloraError and ConfigError as `checkTrial` does
 */
function checkComparison(request: CompareRequest): TrialPlan {
  const plan = trialPlan(request);
  for (const cell of pendingTrials(request.settings, request, [])) checkTrial(cell, plan);
  return plan;
}

/**
 * @throws ScaloraError `usage` when another process runs this comparison, or the folder cannot be written; the signal's
 * reason
 */
async function lockComparison(out: string, wait: LockWait): Promise<ProcessLock> {
  const path = join(out, ".lock");
  const purpose = { what: "running this comparison", where: out };
  try {
    await ProcessLock.removeSilent(path, purpose, wait);
    const lock = ProcessLock.take(path, purpose);
    removeLeftovers(out);
    return lock;
  } catch (cause) {
    wait.signal?.throwIfAborted();
    throw cause instanceof ScaloraError ? cause : notWritable(out, cause);
  }
}

function makeRunFolders(runs: string): void {
  try {
    makeFolders(runs);
  } catch (cause) {
    throw notWritable(runs, cause);
  }
}

function notWritable(where: string, cause: unknown): ScaloraError {
  return new ScaloraError("usage", "The folder of the comparison cannot be created", {
    where,
    found: messageOf(cause),
    fix: "choose another with --out",
  });
}

/** Processes the items of `open`, `jobs` at a time, until none are left; after a failure no new one starts. */
async function runPool<T>(open: () => T[], work: (item: T) => Promise<void>, jobs: number): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  for (;;) {
    const next = failure === undefined && running.size < jobs ? open()[0] : undefined;
    if (next !== undefined) {
      const task: Promise<void> = work(next)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(task));
      running.add(task);
    } else if (running.size > 0) await Promise.race(running);
    else break;
  }
  if (failure !== undefined) throw failure.error;
}

function trialProgress(runs: string, name: string): CompareProgress["running"][number] {
  const status = readStatus(join(runs, name));
  return { name, step: status?.step ?? 0, totalSteps: status?.totalSteps ?? null };
}

/** Where recipes were refused, their errors, as `train` prints them, each after the settings that it is about. */
function noResult(results: readonly TrialResult[], out: string): ScaloraError {
  if (results.every(({ refused }) => refused)) {
    const refusals = new Map<string, Set<string>>();
    for (const { setting, failed } of results) {
      const error = (failed ?? "").replace(/^error: /, "");
      refusals.set(error, (refusals.get(error) ?? new Set()).add(setting));
    }
    const errors = [...refusals].map(([error, settings]) => `${[...settings].join(", ")}: ${error}`);
    return new ScaloraError("config", errors.join("\n"));
  }
  return new ScaloraError("run", "No run of the comparison has a result", {
    where: out,
    found: results.find(({ failed }) => failed !== null)?.failed ?? undefined,
    fix: "check why the runs failed; where the loss diverged, lower the learning rates (--lrs, or lr in a plan)",
  });
}

function writeComparison(request: CompareRequest, results: readonly TrialResult[]): CompareResult {
  const { settings, seeds, tuningSeeds, out, recipe } = request;
  const rows = summarise(settings, request, results);
  if (rows.length === 0) throw noResult(results, out);
  const missing = settings
    .map(({ name }) => name)
    .filter((name) => !rows.some((row) => row.setting === name));
  const report = join(out, "report.html");
  writeReport(report, compareReport(recipe, settings, request, results, rows));
  const failed = results.flatMap(({ folder, failed: message }) =>
    message === null ? [] : [{ folder, message }],
  );
  return {
    rows,
    missing,
    differences: allDifferences(rows),
    seeds,
    tuningSeeds,
    failed,
    remark: tableRemark(rows, request),
    report,
    results: join(out, "results.jsonl"),
  };
}
