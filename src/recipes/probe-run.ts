import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { glueMetrics } from "../assemble/glue-task.ts";
import type { Recipe } from "../config/index.ts";
import { isClassifier } from "../nn/index.ts";
import { evaluateLoss } from "../train/evaluate.ts";
import { DataParallel } from "../train/ranks/data-parallel.ts";
import { takeMicroBatches, trainStep } from "../train/step.ts";
import { elementAt } from "../util/elements.ts";
import type { Interruptible } from "../util/interruptible.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { RunHooks } from "./run-result.ts";
import { scheduleAndSettings } from "./run-settings.ts";

/** Steps of the probe: the first one loads code, the others are timed. */
const probeSteps = 3;

/** What three steps showed. */
export interface Probe {
  readonly losses: readonly number[];
  readonly secondsPerStep: number;
  readonly tokensPerSecond: number;
  /** Of one evaluation; null without held-out rows. */
  readonly evaluationSeconds: number | null;
  /** Of the whole run. */
  readonly totalSeconds: number;
}

/** Trains three steps of the run, with the other ranks where there are any, and evaluates one batch of held-out rows. */
export async function probeRun(
  prepared: PreparedRun,
  recipe: Recipe,
  { signal, group }: Interruptible & Pick<RunHooks, "group">,
): Promise<Probe> {
  const { base, adapters, optimizer, batches, dropout, recompute, steps } = prepared;
  const { schedule, settings } = scheduleAndSettings(recipe, steps);
  const { model } = base;
  using ranks = group && new DataParallel(group, adapters, model);
  const parts = {
    model,
    adapters,
    optimizer,
    schedule,
    ranks,
    clip: settings.clip,
    recompute,
    dropout: isClassifier(model) ? dropout : undefined,
  };
  const reports: { loss: number; tokens: number; seconds: number }[] = [];
  for (let step = 1; step <= probeSteps; step++) {
    signal.throwIfAborted();
    const started = performance.now();
    const microBatches = await takeMicroBatches(batches, settings.accumulate);
    const { loss, tokens } = await trainStep(parts, microBatches, step);
    reports.push({ loss, tokens, seconds: secondsSince(started) });
  }
  const timed = reports.slice(1);
  const sum = (of: (report: (typeof reports)[number]) => number) =>
    timed.reduce((total, report) => total + of(report), 0);
  const secondsPerStep = sum(({ seconds }) => seconds) / timed.length;
  const evaluationSeconds = await timeEvaluation(prepared, recipe);
  const evaluations = 1 + Math.ceil(steps / settings.evalEvery);
  return {
    losses: reports.map(({ loss }) => loss),
    secondsPerStep,
    tokensPerSecond: sum(({ tokens }) => tokens) / sum(({ seconds }) => seconds),
    evaluationSeconds,
    totalSeconds: steps * secondsPerStep + evaluations * (evaluationSeconds ?? 0),
  };
}

/** Seconds of an evaluation, from those of its first batch; null without held-out rows. */
async function timeEvaluation({ base, dataset }: PreparedRun, recipe: Recipe): Promise<number | null> {
  if (dataset.eval.length === 0) return null;
  const batches = evaluationBatches(dataset.eval);
  const first = elementAt(batches, 0);
  const started = performance.now();
  await evaluateLoss(base.model, [first], glueMetrics(recipe.data));
  const tokens = batches.reduce((sum, batch) => sum + batch.tokens.length, 0);
  return secondsSince(started) * (tokens / first.tokens.length);
}

const secondsSince = (started: number) => (performance.now() - started) / 1000;
