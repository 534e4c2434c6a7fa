import { AnalysisObserver } from "../analysis/analysis-observer.ts";
import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { glueMetrics } from "../assemble/glue-task.ts";
import { loadBaseModel } from "../assemble/load-base-model.ts";
import { resolveModelConfig } from "../assemble/model-config.ts";
import type { Recipe } from "../config/index.ts";
import { deviceOf, isClassifier } from "../nn/index.ts";
import {
  chooseGemmBackend,
  type GemmBackend,
  gatherTexts,
  gemmBackends,
  type ProcessGroup,
  zeros,
} from "../torch/index.ts";
import { objectiveOf } from "../train/objective.ts";
import type { TrainOptions } from "../train/train-options.ts";
import { train } from "../train/trainer.ts";
import { disposeOnError } from "../util/dispose-on-error.ts";
import { ScaloraError } from "../util/errors.ts";
import { shellQuote } from "../util/shell-quote.ts";
import { checkMemoryFit } from "./memory/memory-fit.ts";
import { type PreparedRun, prepareRun } from "./prepare-run.ts";
import { type RecordedRun, readRecordedRun } from "./recorded-run.ts";
import { requireSameLoaded, requireSameRecipe } from "./require-same-run.ts";
import type { RunHooks, RunResult } from "./run-result.ts";
import { runPath, scheduleAndSettings } from "./run-settings.ts";
import { trainingSummary } from "./run-summary.ts";

type RankHooks = Pick<RunHooks, "group" | "resume" | "signal">;

/** What every rank trains with. */
export interface SharedRun extends Disposable {
  readonly prepared: PreparedRun;
  /** The options that are the same on every rank. */
  readonly options: TrainOptions;
  readonly warnings: readonly string[];
}

/**
 * Compares the recipe with the other ranks of the group, if there is one. All of them begin with this.
 * @returns what the run has recorded, if it is resumed
 * @throws ScaloraError `usage` when the ranks differ
 */
export async function beginOnRanks(recipe: Recipe, { group, resume }: RankHooks): Promise<RecordedRun> {
  if (group) await requireSameRecipe(group, recipe);
  if (recipe.run.analysis && recipe.train.shardBase) throw analysisError();
  return resume ? await readRecordedRun(recipe, group) : {};
}

/**
 * Loads what a recipe trains with, and compares it with the other ranks.
 * @param recorded as `beginOnRanks` returned it
 * @throws ScaloraError where something of the recipe cannot be used, `usage` when the ranks differ
 */
export async function prepareOnRanks(
  recipe: Recipe,
  { group, resume = false, signal }: RankHooks,
  recorded: RecordedRun,
): Promise<SharedRun> {
  const size = group?.size ?? 1;
  const { worldSize = size } = recorded;
  if (resume && size === 1 && recipe.train.shardBase) throw sharedOutError(recipe, worldSize);
  const whole = overRanks(recipe, worldSize);
  const backend = group ? await agreeOnBackend(group, recipe, recorded.gemmBackend) : recorded.gemmBackend;
  const prepared = await prepareRun(whole, { recordedBackend: backend, signal, group });
  let tight: string | undefined;
  let observer: AnalysisObserver | undefined;
  try {
    if (group) {
      await requireSameLoaded(group, recipe, prepared);
      await tryCollective(group, deviceOf(prepared.base.model));
    }
    tight = checkMemoryFit(prepared, recipe);
    observer = await makeObserver(recipe, prepared);
  } catch (error) {
    prepared[Symbol.dispose]();
    throw error;
  }
  const { base, dataset, dropout, batches, adapters, optimizer, recompute, steps } = prepared;
  const options = {
    model: base.model,
    adapters,
    batches,
    optimizer,
    recompute,
    resume,
    signal,
    ...(dataset.eval.length > 0 && { evalBatches: evaluationBatches(dataset.eval) }),
    ...glueMetrics(recipe.data),
    ...scheduleAndSettings(whole, steps),
    ...(isClassifier(base.model) && { generators: new Map([["dropout", dropout]]) }),
    gemmBackend: base.gemmBackend,
    ...(observer && { observer }),
    ...(recipe.train.cudaGraphs && { cudaGraphs: true }),
    ...(group && { group }),
  };
  const warnings = [
    ...prepared.warnings,
    ...(worldSize === size ? [] : [resizedWarning(worldSize, size)]),
    ...(tight === undefined ? [] : [tight]),
  ];
  const dispose = () => {
    observer?.dispose();
    prepared[Symbol.dispose]();
  };
  return { prepared, options, warnings, [Symbol.dispose]: dispose };
}

/** One number over all ranks: where tensors on a GPU cannot be sent, this says it before the first step. */
async function tryCollective(group: ProcessGroup, device: string): Promise<void> {
  using one = zeros([1], { device });
  await group.allReduce(one);
}

const analysisError = () =>
  new ScaloraError("config", "Training is analysed only where each process has the whole base", {
    where: "run.analysis",
    found: "train.shardBase: true",
    fix: "leave one of the two out",
  });

/**
 * The observer that records the figures of `scalora analyze`, if the recipe asks for them. Every rank has one: the gradients that
 * they collect are added up.
 */
async function makeObserver(
  recipe: Recipe,
  { base: { model }, adapters }: PreparedRun,
): Promise<AnalysisObserver | undefined> {
  const { analysis } = recipe.run;
  if (!analysis) return undefined;
  const original = await loadBaseModel(resolveModelConfig(recipe), recipe.train.seed);
  const parts = { model, adapters, original, every: analysis.every };
  return disposeOnError([original], () => new AnalysisObserver(parts));
}

/** A run whose base is shared out cannot go on without that: its recipe stays as it is. */
function sharedOutError(recipe: Recipe, worldSize: number): ScaloraError {
  const ranks = Math.max(2, worldSize);
  return new ScaloraError("config", "The base of this run is shared out between several processes", {
    where: "train.shardBase",
    found: "one process",
    fix: `resume it on several: \`npx scalora launch --nproc ${ranks} train --resume ${shellQuote(runPath(recipe))}\``,
  });
}

const resizedWarning = (before: number, now: number) =>
  `the run was started by ${count(before)} and goes on with ${now}: each step has as many micro-batches as before, and every bit stays`;

const count = (processes: number) => (processes === 1 ? "1 process" : `${processes} processes`);

/** The GEMM backend of all ranks, which rank 0 chooses: measured on each, beside the others, it might differ. */
export async function agreeOnBackend(
  group: ProcessGroup,
  { model }: Recipe,
  recorded?: GemmBackend,
): Promise<GemmBackend | undefined> {
  const own = group.rank === 0 ? (recorded ?? model.gemmBackend ?? chooseGemmBackend().chosen) : "";
  const [chosen] = await gatherTexts(group, own);
  return gemmBackends.find((name) => name === chosen);
}

/** A recipe whose steps have `train.accumulate` micro-batches on each rank, as one process would train it. */
export const overRanks = (recipe: Recipe, worldSize: number): Recipe => ({
  ...recipe,
  train: { ...recipe.train, accumulate: recipe.train.accumulate * worldSize },
});

/** The part of a rank other than the first: it trains with the others, and writes nothing. */
export async function trainAsOtherRank(recipe: Recipe, hooks: RankHooks): Promise<RunResult> {
  const recorded = await beginOnRanks(recipe, hooks);
  if (recorded.finished) return recorded.finished;
  using shared = await prepareOnRanks(recipe, hooks, recorded);
  const { model, adapters } = shared.options;
  return {
    folder: runPath(recipe),
    task: objectiveOf(model).taskType,
    totalSteps: shared.prepared.steps,
    parameters: adapters.parameterCounts(),
    analysisSeconds: null,
    ...trainingSummary(await train(shared.options)),
    alreadyFinished: false,
  };
}
