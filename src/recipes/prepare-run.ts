import { type AdapterSet, attachParsed } from "../adapters/index.ts";
import { classesOf } from "../assemble/class-labels.ts";
import { resolveModelConfig } from "../assemble/glue-labels-and-metrics.ts";
import { type LoadedModel, loadModelAndTokenizer } from "../assemble/load-base-model.ts";
import { loadedModelBytes } from "../assemble/loaded-model-bytes.ts";
import { makeOptimizer } from "../assemble/make-optimizer.ts";
import type { ModelConfig, Recipe } from "../config/index.ts";
import { type BatchSource, type Dataset, loadDataset } from "../data/index.ts";
import { deviceOf, isClassifier, Linear, LMHead, type TrainableModel } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { type GemmBackend, Generator, hasCuda, memory, releaseFreeMemory, Tensor } from "../torch/index.ts";
import type { CheckpointIdentity } from "../train/checkpoints/checkpoint-format.ts";
import { hashModel } from "../train/model-hash.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatBytes, formatCount } from "../util/format.ts";
import { definedFields } from "../util/json.ts";
import { type MemoryLimit, memoryLimit } from "./available-memory.ts";
import { type MemoryNeed, memoryNeed } from "./memory-estimate.ts";
import { fitOf, memoryError, type WeightBytes } from "./memory-fit.ts";
import { countSteps, dataWarnings, makeBatches } from "./training-data.ts";

/** Everything that a recipe trains with, loaded and checked; nothing is written. */
export interface PreparedRun extends Disposable {
  readonly base: LoadedModel;
  readonly dataset: Dataset;
  readonly batches: BatchSource;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
  /** Drives the model's own dropout. */
  readonly dropout: Generator;
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  readonly identity: CheckpointIdentity;
  readonly memory: MemoryNeed;
  readonly memoryLimit: MemoryLimit;
  readonly weightBytes: WeightBytes;
  readonly warnings: readonly string[];
}

/**
 * Loads model and data of a recipe and attaches its method.
 * @param recordedBackend the GEMM backend that an earlier process of the same run has used
 * @param signal ends the loading of data, with its reason
 * @throws ScaloraError where something of the recipe cannot be used
 */
export async function prepareRun(
  recipe: Recipe,
  recordedBackend?: GemmBackend,
  signal?: AbortSignal,
): Promise<PreparedRun> {
  const before = memory().resident;
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
    const config = resolveModelConfig(recipe);
    checkModelFit(config);
    const base = await loadModelAndTokenizer(config, seed, recordedBackend);
    const model = own(base.model);
    const maxLength = model.info.maxPositions;
    const dataset = await loadDataset(recipe.data, base.tokenizer, {
      maxLength,
      seed,
      ...classesOf(model),
      ...(signal && { signal }),
    });
    releaseFreeMemory();
    const batches = makeBatches(dataset, recipe);
    const identity = { base: hashModel(model), adapter: definedFields(recipe.adapter) };
    const weightBytes = weightBytesOf(model);
    const adapters = own(attachParsed(model, recipe.adapter, seed));
    const dropout = own(new Generator(seed, deviceOf(model)));
    const optimizer = own(makeOptimizer(adapters, recipe.train));
    return {
      ...{ base, dataset, batches, adapters, optimizer, dropout, identity, weightBytes },
      steps: countSteps(batches, recipe),
      memory: memoryNeed({ model, adapters, optimizer }, dataset, recipe.train, before),
      memoryLimit: memoryLimit(),
      warnings: [
        ...modelWarnings(model, recipe),
        ...dataWarnings(dataset),
        ...budgetWarnings(dataset, recipe),
      ],
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/**
 * Refuses a run that cannot fit into memory, unless `SCALORA_MEMORY_CHECK=off`.
 * @returns a warning when it may not fit
 * @throws ScaloraError `config` saying what would fit
 */
export function checkMemoryFit(
  { base, memory: need, memoryLimit: limit, weightBytes }: Omit<PreparedRun, typeof Symbol.dispose>,
  recipe: Recipe,
  env = process.env,
): string | undefined {
  if (deviceOf(base.model) !== "cpu" || env["SCALORA_MEMORY_CHECK"] === "off") return undefined;
  const fit = fitOf(need, limit);
  if (fit === "yes") return undefined;
  const error = memoryError(need, limit, weightBytes, recipe);
  if (fit === "no") throw error;
  return `memory is tight: ${error.found}; ${error.expected}`;
}

/** Refuses a model that cannot be loaded into memory, before loading it is tried. @throws ScaloraError `config` */
export function checkModelFit(config: ModelConfig, limit = memoryLimit(), env = process.env): void {
  if (config.device.startsWith("cuda") || hasCuda() || env["SCALORA_MEMORY_CHECK"] === "off") return;
  const bytes = loadedModelBytes(config);
  if (fitOf({ total: bytes }, limit) !== "no") return;
  throw new ScaloraError("config", "The model does not fit into memory", {
    where: `model.path: ${config.path}`,
    expected: `at most ${formatBytes(limit.bytes)}, all that this process may take of ${limit.of}`,
    found: `about ${formatBytes(bytes)} for its weights alone`,
    fix: "use model.dtype: bfloat16, adapter.method: qlora, or a smaller model",
  });
}

function weightBytesOf(model: TrainableModel): WeightBytes {
  const weights = [...model.namedParameters()].map(([, weight]) => weight);
  const linear = [...model.namedModules()].flatMap(([, module]) =>
    module instanceof Linear && !(module instanceof LMHead) && module.weight instanceof Tensor
      ? [module.weight]
      : [],
  );
  const bytes = (tensors: readonly Tensor[]) =>
    tensors.reduce((sum, { numel, dtype }) => sum + numel * (dtype === "float32" ? 4 : 2), 0);
  return {
    float32: bytes(weights.filter(({ dtype }) => dtype === "float32")),
    quantisable: isClassifier(model) ? 0 : bytes(linear),
  };
}

/** Warns about a randomly initialised head, in case a trained classifier was expected. */
function modelWarnings(model: TrainableModel, { train }: Recipe): string[] {
  if (!isClassifier(model) || model.info.newlyInitialized.length === 0) return [];
  return [`newly initialised from train.seed ${train.seed}: ${model.info.newlyInitialized.join(", ")}`];
}

/** Warns about a batch that holds all rows, which may be more than its author expected. */
function budgetWarnings({ train }: Dataset, { train: { batchTokens } }: Recipe): string[] {
  const tokens = train.flat().reduce((sum, { ids }) => sum + ids.length, 0);
  if (batchTokens === undefined || batchTokens <= tokens) return [];
  const all = `${formatCount(tokens)} tokens`;
  return [
    `train.batchTokens ${formatCount(batchTokens)} is more than the data: every batch holds all ${all}`,
  ];
}
