import { type AdapterSet, attachParsed } from "../adapters/index.ts";
import { presetNote } from "../adapters/preset-note.ts";
import { methodNamed } from "../adapters/registry.ts";
import { classesOf } from "../assemble/class-labels.ts";
import { deviceHere, type LoadedModel, loadModelAndTokenizer } from "../assemble/load-base-model.ts";
import { makeOptimizer } from "../assemble/make-optimizer.ts";
import { refuseClassifierFormats, resolveModelConfig } from "../assemble/model-config.ts";
import type { Recipe } from "../config/index.ts";
import { type BatchSource, type Dataset, loadDataset } from "../data/index.ts";
import { readModelConfig } from "../model-files/model-config.ts";
import { isClassifierConfig } from "../models/index.ts";
import { deviceOf, isClassifier, type ShardGroup, type TrainableModel, WeightShards } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import {
  deviceMemory,
  type GemmBackend,
  Generator,
  measureBfloat16,
  memory,
  type ProcessGroup,
  processor,
  releaseFreeMemory,
  resetDevicePeak,
  threads,
} from "../torch/index.ts";
import type { CheckpointIdentity } from "../train/checkpoints/checkpoint-format.ts";
import { requireGraphs, requirePassKey } from "../train/graphs/require-graphs.ts";
import { hashModel } from "../train/model-hash.ts";
import { reportActivity } from "../util/activity.ts";
import { ScaloraError } from "../util/errors.ts";
import { definedFields } from "../util/json.ts";
import { fittingThreads, tooManyThreads, usableCores } from "../util/usable-cores.ts";
import {
  gpuLimit,
  type MemoryLimit,
  type MemoryPlace,
  memoryLimit,
  memoryPlaces,
} from "./memory/available-memory.ts";
import { type MemorySettings, memoryNeed, type RunParts } from "./memory/memory-estimate.ts";
import { checkModelFit, isMemoryChecked, type WeightBytes, weightBytesOf } from "./memory/memory-fit.ts";
import { type MemoryPlan, planMemory } from "./memory/plan-memory.ts";
import { standInFor } from "./stand-in-ranks.ts";
import { budgetWarnings, countSteps, dataWarnings, makeBatches } from "./training-data.ts";

/** Everything that a recipe trains with, loaded and checked; nothing is written. */
export interface PreparedRun extends MemoryPlan, Disposable {
  readonly base: LoadedModel;
  /** The weights that are shared out, with `train.shardBase`. */
  readonly shards: WeightShards | undefined;
  readonly dataset: Dataset;
  readonly batches: BatchSource;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
  /** Drives the model's own dropout. */
  readonly dropout: Generator;
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  readonly identity: CheckpointIdentity;
  /** Hash of what this process has loaded of the model: where weights are shared out, that of `identity` is of all processes'. */
  readonly loadedHash: string;
  readonly memoryLimit: MemoryLimit;
  readonly weightBytes: WeightBytes;
}

/** How a run is prepared. */
interface PrepareOptions {
  /** The GEMM backend that an earlier process of the same run has used. */
  readonly recordedBackend?: GemmBackend | undefined;
  /** Ends the loading of data, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** The ranks that train together, which all prepare the same. */
  readonly group?: ProcessGroup | undefined;
  /** Of a forecast: how many ranks would train, of which this process stands for one. */
  readonly ranks?: number | undefined;
  /** Of a forecast: the device stands for a GPU that is not here. */
  readonly isStandIn?: boolean;
}

/**
 * Loads model and data of a recipe and attaches its method.
 * @throws ScaloraError where something of the recipe cannot be used
 */
export async function prepareRun(recipe: Recipe, options: PrepareOptions = {}): Promise<PreparedRun> {
  const { recordedBackend, signal, group } = options;
  const places = await memoryPlaces(group);
  const peakBefore = memory().peak;
  const { seed } = recipe.train;
  const owned: Disposable[] = [];
  const own = <T extends Disposable>(thing: T) => {
    owned.push(thing);
    return thing;
  };
  const dispose = () => {
    for (const thing of owned.splice(0).toReversed()) thing[Symbol.dispose]();
  };
  try {
    const { base, shards } = await loadBase(recipe, options, { places, own });
    const { model } = base;
    if (recipe.train.cudaGraphs) requireGraphs(model, Math.max(group?.size ?? 1, options.ranks ?? 1));
    const dataset = await loadDataset(recipe.data, base.tokenizer, {
      maxLength: model.info.maxPositions,
      seed,
      ...classesOf(model),
      ...(signal && { signal }),
    });
    releaseFreeMemory();
    const batches = makeBatches(dataset, recipe);
    const identity = { base: hashModel(model), adapter: definedFields(recipe.adapter) };
    const loadedHash = shards?.sampleHash() ?? identity.base;
    const weightBytes = weightBytesOf(model);
    const adapters = own(attachParsed(model, recipe.adapter, seed));
    if (recipe.train.cudaGraphs) requirePassKey(adapters);
    const dropout = own(new Generator(seed, deviceOf(model)));
    const optimizer = own(makeOptimizer(adapters, recipe.train));
    const steps = countSteps(batches, recipe);
    const tokens = batches.largestBatchTokens(steps * recipe.train.accumulate);
    const limit = runLimit(model, places);
    const parts = { model, adapters, optimizer };
    const plan = planOf(parts, recipe, { ...options, limit, dataset, tokens, peakBefore });
    return {
      base,
      shards,
      dataset,
      batches,
      adapters,
      optimizer,
      dropout,
      identity,
      loadedHash,
      weightBytes,
      ...plan,
      steps,
      memoryLimit: limit,
      warnings: [
        ...plan.warnings,
        ...warningsOf({ base, dataset, batches }, recipe, group),
        ...(recordedBackend === undefined ? threadWarnings(model) : []),
      ],
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** What a run may take of the memory that it computes in. */
function runLimit(model: TrainableModel, places: readonly MemoryPlace[]): MemoryLimit {
  const device = deviceOf(model);
  return device === "cpu" ? memoryLimit({ ranks: places }) : gpuLimit(device);
}

/** How a run that is ready uses memory. */
function planOf(
  parts: RunParts,
  recipe: Recipe,
  { group, ranks, isStandIn, ...settings }: PrepareOptions & MemorySettings,
): MemoryPlan {
  const { shardBase, recompute, accumulate, cudaGraphs } = recipe.train;
  const device = deviceOf(parts.model);
  const preparingPeak = deviceMemory(device)?.peak ?? 0;
  const host = isStandIn ? memoryLimit() : device === "cpu" ? settings.limit : undefined;
  // A forecast adds what ranks on CPUs exchange by itself.
  const exchange = { ranks: group?.size ?? (device === "cpu" ? 1 : ranks), microBatches: accumulate };
  return planMemory({
    setting: shardBase ? "all" : recompute,
    limit: settings.limit,
    isChecked: isMemoryChecked(settings.limit),
    isElsewhere: isStandIn ?? false,
    measure: (again) => {
      reportActivity({ what: "measuring the memory of a step" });
      return memoryNeed(parts, {
        ...settings,
        ...exchange,
        cudaGraphs,
        host,
        preparingPeak,
        recompute: again,
      });
    },
  });
}

/** Loads the model, of which ranks may have slices. */
async function loadBase(
  recipe: Recipe,
  { recordedBackend, group, ranks }: PrepareOptions,
  { places, own }: { places: readonly MemoryPlace[]; own: <T extends Disposable>(thing: T) => T },
) {
  const config = resolveModelConfig(recipe);
  // First, since a folder without a model is recognised by its config.
  const modelConfig = readModelConfig(config.path);
  const sharing = recipe.train.shardBase ? shardingGroup(group, ranks) : undefined;
  const shards = sharing && own(new WeightShards(sharing));
  if (!isClassifierConfig(modelConfig)) refuseClassifierFormats(recipe.data);
  const device = deviceHere(config.device);
  const isHost = device === "cpu" || device === "mps";
  const limit = isHost ? memoryLimit({ ranks: places }) : gpuLimit(device);
  checkModelFit(config, limit, { sharedBy: sharing?.size, isCopied: device !== "cpu" });
  resetDevicePeak(device);
  const { seed } = recipe.train;
  const base = await loadModelAndTokenizer({ ...config, shards }, seed, recordedBackend, modelConfig);
  own(base.model);
  return { base, shards };
}

/** What is unwise, or not as one might think, in a recipe that can be used. */
function warningsOf(
  { base, dataset, batches }: Pick<PreparedRun, "base" | "dataset" | "batches">,
  recipe: Recipe,
  group: ProcessGroup | undefined,
): string[] {
  return [
    ...presetWarnings(recipe),
    ...modelWarnings(base.model, recipe),
    // Of several ranks only the first shows warnings, and times what this one may have to be measured for.
    ...(group === undefined || group.rank === 0 ? precisionWarnings(base.model) : []),
    ...backendWarnings(base),
    ...shardWarnings(recipe),
    ...dataWarnings(dataset),
    ...budgetWarnings(dataset, batches, recipe),
  ];
}

/** @throws ScaloraError `config` where there are no other processes, nor a forecast of any */
function shardingGroup(group: ProcessGroup | undefined, ranks = 1): ShardGroup {
  if (group && group.size > 1) return group;
  if (ranks > 1) return standInFor(ranks);
  throw new ScaloraError("config", "A base can only be shared out between several processes", {
    where: "train.shardBase",
    found: "one process",
    fix: "start several, such as `npx scalora launch --nproc 4 train …`, or leave train.shardBase out",
  });
}

/** Says what becomes of a method's preset rate at other options than those that it was published with. */
function presetWarnings({ adapter, train }: Recipe): string[] {
  const method = methodNamed(adapter.method);
  const note = method && presetNote(method, adapter, train.lr);
  return note === undefined ? [] : [note];
}

/** Warns about more threads than cores. */
function threadWarnings(model: TrainableModel): string[] {
  const fitting = fittingThreads(usableCores());
  return deviceOf(model) === "cpu" && threads() > fitting ? [tooManyThreads(threads(), fitting)] : [];
}

/** Warns about bfloat16 on a processor that has to compute it by way of float32, or whose own instructions are slow. */
function precisionWarnings(model: TrainableModel): string[] {
  if (model.info.dtype !== "bfloat16" || deviceOf(model) !== "cpu") return [];
  const { name, hasBfloat16 } = processor();
  const why = hasBfloat16 === false ? "which has no instructions for it" : slowProducts();
  if (why === undefined) return [];
  return [
    `model.dtype bfloat16 is slow on this processor (${name}), ${why}: use model.dtype: float32, where memory is short with model.quantization: nf4`,
  ];
}

function slowProducts(): string | undefined {
  const speedup = measureBfloat16();
  if (speedup === undefined || speedup.median > 1) return undefined;
  return `where its matrix products take ${(1 / speedup.median).toFixed(1)} times as long as float32's (measured just now)`;
}

/** Warns that the same command may use another backend, when the machine is less busy. */
function backendWarnings({ gemmBackend, isBackendUnsure }: LoadedModel): string[] {
  if (!isBackendUnsure) return [];
  return [
    `the machine is too busy to measure which GEMM backend is faster: this run uses ${gemmBackend}, and a repetition may use another, with other last bits; model.gemmBackend (aten or onednn) sets it`,
  ];
}

/** Every token of a sample would gather the whole model. */
function shardWarnings({ train: { shardBase }, run: { samples } }: Recipe): string[] {
  if (!shardBase || samples === 0) return [];
  return ["the base is shared out (train.shardBase): no samples are written; generate from the finished run"];
}

/** Says what of a model's files is not loaded, and warns about a randomly initialised head, in case a trained one was expected. */
function modelWarnings(model: TrainableModel, { train }: Recipe): string[] {
  if (!isClassifier(model)) {
    const { leftOut } = model.info;
    return leftOut === undefined ? [] : [`not loaded, not trained and not exported: ${leftOut}`];
  }
  if (model.info.newlyInitialized.length === 0) return [];
  return [`newly initialised from train.seed ${train.seed}: ${model.info.newlyInitialized.join(", ")}`];
}
