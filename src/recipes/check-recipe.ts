import { deviceHere } from "../assemble/load-base-model.ts";
import { loadRecipeData } from "../assemble/load-recipe-data.ts";
import { resolveModelConfig } from "../assemble/model-config.ts";
import type { Recipe } from "../config/index.ts";
import type { Dataset } from "../data/index.ts";
import { usualTimeout } from "../distributed/init-process-group.ts";
import { forecastRanks, type RanksForecast, type RanksQuestion } from "../forecast/forecast-ranks.ts";
import { deviceOf } from "../nn/index.ts";
import { assertCanStart } from "../run/lock-run.ts";
import { cudaDevices, type ProcessGroup } from "../torch/index.ts";
import { useSecondDevice } from "../torch/second-device.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatCount, formatDuration } from "../util/format.ts";
import type { Interruptible } from "../util/interruptible.ts";
import { countParameters } from "./count-parameters.ts";
import { type DiskForecast, diskError, diskOf } from "./disk-forecast.ts";
import { errorsOfRanks } from "./errors-of-ranks.ts";
import { measureRankCosts } from "./measure-rank-costs.ts";
import { type MemoryLimit, memoryLimit } from "./memory/available-memory.ts";
import { hostBytes, type KeptParts, keptParts, type MemoryNeed } from "./memory/memory-estimate.ts";
import { checkMemoryFit, standInMisfit } from "./memory/memory-fit.ts";
import { type PreparedRun, prepareRun } from "./prepare-run.ts";
import { type Probe, probeRun } from "./probe-run.ts";
import { requireSameLoaded, requireSameRecipe } from "./require-same-run.ts";
import { assertSamplesFit, runPath, scheduleAndSettings } from "./run-settings.ts";
import { agreeOnBackend, overRanks } from "./train-on-ranks.ts";
import { countSteps, makeBatches, trainingCounts } from "./training-data.ts";

/** What a recipe would do, and what keeps it from running. */
export interface RecipeCheck {
  /** Whether the recipe would run. */
  readonly ok: boolean;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** The recipe with every default. */
  readonly recipe: Recipe;
  /** Null where the model or the data cannot be used; without memory, disk and time where the model cannot be loaded here. */
  readonly run: RunForecast | null;
}

/** What a run would be and take. */
export interface RunForecast {
  readonly steps: number;
  /** How many are trained is not known where the model is not loaded and the method looks at its weights. */
  readonly parameters: { readonly trainable: number | null; readonly all: number };
  readonly data: ReturnType<typeof trainingCounts>;
  readonly memory: MemoryForecast | null;
  readonly disk: DiskForecast | null;
  readonly probe: Probe | null;
  /** Null unless several ranks were asked about. */
  readonly ranks: RanksForecast | null;
}

/** Of the CPU, or of the GPU that a run computes on. */
type MemoryForecast = MemoryNeed & {
  /** Null where it is not known: of a GPU that is not here. */
  readonly limit: MemoryLimit | null;
  /** Null on the CPU. */
  readonly gpu: GpuForecast | null;
};

/** A run on a GPU: what takes its memory beside a batch, and the process's own. */
interface GpuForecast extends KeptParts {
  readonly device: string;
  /** Whether it is counted on a stand-in, in host memory, because there is no GPU. */
  readonly isStandIn: boolean;
  /** What the run takes with `train.recompute: all`, where it would do without; else null. */
  readonly recomputed: number | null;
  readonly host: { readonly bytes: number; readonly limit: MemoryLimit };
}

/** Options of a check. */
export interface CheckOptions extends Interruptible {
  /** The ranks that would train together, which all check. */
  readonly group?: ProcessGroup | undefined;
  /** Several ranks that the recipe may be trained on, each with the cores of this process. */
  readonly ranks?: RanksQuestion | undefined;
}

export type CheckRecipe = (recipe: Recipe, options: CheckOptions) => Promise<RecipeCheck>;

/**
 * Tries a recipe without writing anything: loads model and data, attaches the method, compares memory and disk with what is
 * there, and trains three steps. What is wrong with different parts is reported together, and so is what is wrong on any rank.
 * @throws ScaloraError on several ranks: `usage` where they differ, and what one of them throws while all compute together
 */
export const checkRecipe: CheckRecipe = async (given, options) => {
  const { group, ranks, signal } = options;
  if (group) await requireSameRecipe(group, given);
  const recipe = overRanks(given, group?.size ?? 1);
  // A folder that is taken keeps the run from starting, and nothing from being tried.
  const taken: string[] = [];
  if (isFirst(group)) await collect(taken, () => assertCanStart(runPath(recipe)));
  const own: string[] = [];
  const isStandIn = needsStandIn(recipe, group);
  if (isStandIn) await collect(own, () => deviceHere(recipe.model.device));
  const started = performance.now();
  const recordedBackend = group && (await agreeOnBackend(group, recipe));
  const misfit = isStandIn ? await collect(own, () => misfitOf(recipe, ranks)) : undefined;
  const tried = overRanks(isStandIn ? onStandIn(recipe) : recipe, ranks?.size ?? 1);
  const prepare = async () =>
    misfit === undefined
      ? await prepareRun(tried, { group, recordedBackend, ranks: ranks?.size, isStandIn })
      : undefined;
  // Ranks that share the base out load it together.
  using prepared = group && recipe.train.shardBase ? await prepare() : await collect(own, prepare);
  const loadSeconds = (performance.now() - started) / 1000;
  // A model that cannot be loaded must not hide what is wrong with the data.
  const data = prepared ? undefined : await collect(own, () => loadRecipeData(recipe));
  const unloaded = misfit && data && (await collect(own, () => forecastUnloaded(tried, data.dataset)));
  const warning = prepared && (await checkFit(prepared, recipe, own, group));
  signal.throwIfAborted();
  const others = await errorsOfRanks(group, [...new Set(own)]);
  const run =
    prepared && (await forecastRun(prepared, recipe, { ...options, errors: others, loadSeconds, isStandIn }));
  const errors = [...taken, ...others];
  const standIn = prepared && isStandIn ? standInWarning : misfit;
  const more = [warning, standIn, run && joinWarning(run)].filter((text) => text !== undefined);
  const warnings = [...(prepared?.warnings ?? []), ...more];
  return { ok: errors.length === 0, errors, warnings, recipe: given, run: run ?? (unloaded || null) };
};

/** Warns of more ranks than can join. */
function joinWarning({ ranks }: RunForecast): string | undefined {
  if (ranks === null || ranks.join <= usualTimeout) return undefined;
  return `${formatCount(ranks.size)} ranks would take ${formatDuration(ranks.join)} to join, and a rank waits ${formatDuration(usualTimeout)} for the others`;
}

/** Whether a recipe computes on a GPU and there is none. Then its memory is still counted, on a device that stands for one. */
const needsStandIn = ({ model }: Recipe, group: ProcessGroup | undefined) =>
  group === undefined && model.device.startsWith("cuda") && cudaDevices() === 0;

/**
 * Its kernels stay in the process, where nothing else has tensors of that kind. Autograd counts the devices at the first backward
 * pass: where there was one, as in no command, memory of passes is unknown.
 */
const onStandIn = (recipe: Recipe): Recipe => ({
  ...recipe,
  model: { ...recipe.model, device: useSecondDevice() },
});

const standInWarning =
  "the GPU's memory is a model, not measured on a GPU: it is that of the tensors of a GPU's operators (flash attention, in 16 bits, as from Ampere on), counted in this machine's memory; what CUDA takes for itself, and what its allocator leaves unused, comes on top";

/** Why the memory of a GPU cannot be counted in this machine's. */
function misfitOf(recipe: Recipe, ranks: RanksQuestion | undefined): string | undefined {
  const sharedBy = recipe.train.shardBase ? ranks?.size : 1;
  const isTrained = recipe.adapter.method === "full";
  return standInMisfit(resolveModelConfig(recipe), memoryLimit(), { isTrained, sharedBy });
}

/** Whether this process writes the run. */
const isFirst = (group: ProcessGroup | undefined) => (group?.rank ?? 0) === 0;

/** Adds to the errors what a run that is loaded does not fit into. @returns a warning when memory is tight */
async function checkFit(
  prepared: PreparedRun,
  recipe: Recipe,
  errors: string[],
  group: ProcessGroup | undefined,
): Promise<string | undefined> {
  const tight = await collect(errors, () => checkMemoryFit(prepared, recipe));
  await collect(errors, () => assertSamplesFit(prepared.base.model, recipe));
  const disk = diskOf(prepared, recipe);
  const misfit = diskError(disk, recipe);
  if (isFirst(group) && misfit) errors.push(misfit.message);
  return tight;
}

/** What a run would take; three steps of it, where nothing is wrong. An error of theirs in one process is added to the others. */
async function forecastRun(
  prepared: PreparedRun,
  recipe: Recipe,
  {
    signal,
    ranks,
    group,
    errors,
    loadSeconds,
    isStandIn,
  }: CheckOptions & { errors: string[]; loadSeconds: number; isStandIn: boolean },
): Promise<RunForecast> {
  const { steps, adapters, dataset } = prepared;
  const parameters = adapters.parameterCounts();
  const probeNow = () => probeRun(prepared, recipe, { signal, group });
  let probe: Probe | undefined;
  if (errors.length === 0 && group) {
    await requireSameLoaded(group, recipe, prepared);
    probe = await probeNow();
  } else if (errors.length === 0) probe = await collect(errors, probeNow);
  const forecast = probe && ranks && (await forecastOf(prepared, recipe, { probe, loadSeconds, ranks }));
  return {
    steps,
    parameters,
    data: trainingCounts(dataset),
    memory: memoryOf(prepared, isStandIn ? recipe.model.device : undefined),
    disk: diskOf(prepared, recipe),
    // The weights of ranks that this process only stands for are not there.
    probe: probe ? { ...probe, losses: ranks && recipe.train.shardBase ? [] : probe.losses } : null,
    ranks: forecast ?? null,
  };
}

/** What is known of a run without its model's weights. */
function forecastUnloaded(recipe: Recipe, dataset: Dataset): RunForecast {
  return {
    steps: countSteps(makeBatches(dataset, recipe), recipe),
    parameters: countParameters(recipe),
    data: trainingCounts(dataset),
    memory: null,
    disk: null,
    probe: null,
    ranks: null,
  };
}

/** @param stoodInFor the GPU in whose place the run's device is */
function memoryOf(prepared: PreparedRun, stoodInFor: string | undefined): MemoryForecast {
  const { memory, memoryLimit: limit, recomputed } = prepared;
  const { model } = prepared.base;
  const device = deviceOf(model);
  if (device === "cpu") return { ...memory, limit, gpu: null };
  const gpu = {
    device: stoodInFor ?? device,
    isStandIn: stoodInFor !== undefined,
    ...keptParts({ ...prepared, model }),
    recomputed: recomputed?.total ?? null,
    host: { bytes: hostBytes(device), limit: memoryLimit() },
  };
  return { ...memory, limit: Number.isFinite(limit.bytes) ? limit : null, gpu };
}

async function forecastOf(
  prepared: PreparedRun,
  recipe: Recipe,
  { probe, loadSeconds, ranks }: { probe: Probe; loadSeconds: number; ranks: RanksQuestion },
): Promise<RanksForecast> {
  const { steps } = prepared;
  const { accumulate, evalEvery } = scheduleAndSettings(recipe, steps).settings;
  const costs = await measureRankCosts(prepared, { probe, accumulate, loadSeconds });
  const length = {
    steps,
    evaluations: 1 + Math.ceil(steps / evalEvery),
    // By time there are few: mostly those of evaluations that are the best so far.
    checkpoints: Math.ceil(steps / (recipe.train.saveEvery ?? evalEvery)),
  };
  return forecastRanks(costs, length, ranks);
}

/** The result of a task; an error that a user can mend goes to the list. */
async function collect<T>(errors: string[], task: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof ScaloraError) || error.code === "internal") throw error;
    errors.push(error.message);
    return undefined;
  }
}
