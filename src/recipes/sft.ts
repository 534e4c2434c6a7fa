import { join } from "node:path";
import { type Recipe, recipeToYaml } from "../config/index.js";
import { BatchSource, type Dataset, loadDataset } from "../data/index.js";
import { isClassifier, type TrainedModel } from "../nn/index.js";
import { makeSchedule, type Optimizer } from "../optim/index.js";
import { cpuCapability, Generator, releaseFreeMemory, torchVersion } from "../torch/index.js";
import { hashModel } from "../train/model-hash.js";
import { objectiveOf } from "../train/objective.js";
import type { TrainResult } from "../train/options.js";
import { RunFolder, readEvents, type StartEvent } from "../train/run-files.js";
import { train } from "../train/trainer.js";
import type { RunTraining } from "./api.js";
import { attachMethod, type Base, classesOf, deviceOf, loadBase, makeOptimizer } from "./build.js";
import { evaluationBatches } from "./evaluation-batches.js";
import { reportOfRun, writeReport } from "./report/index.js";
import { packageVersion } from "./version.js";

/** A run reports, evaluates and saves this many times unless the recipe says otherwise. */
const defaultTimes = 10;

/**
 * Supervised fine-tuning as a recipe says: model, data, method, training, checkpoints, report. Nothing is written before
 * everything that the recipe names was found good.
 */
export const runTraining: RunTraining = async (recipe, { signal, onEvent, resume = false }) => {
  const seed = recipe.train.seed;
  const base = await loadBase(recipe.model, seed);
  using model = base.model;
  const { tokenizer, gemmBackend } = base;
  const dataset = await loadDataset(recipe.data, tokenizer, {
    maxLength: model.info.maxPositions,
    seed,
    ...classesOf(model),
  });
  releaseFreeMemory();
  const batches = makeBatches(dataset, recipe);
  const identity = { base: hashModel(model), adapter: { ...recipe.adapter } };
  const adapters = attachMethod(model, recipe.adapter, seed);
  using dropout = new Generator(seed, deviceOf(model));
  let optimizer: Optimizer | undefined;
  let folder: RunFolder | undefined;
  try {
    const steps = countSteps(batches, recipe);
    const { lr, schedule: name, warmup, accumulate, clip, keepLast, patience } = recipe.train;
    const schedule = makeSchedule({ name, lr, steps, warmup });
    optimizer = makeOptimizer(adapters, recipe.train);
    const often = Math.max(1, Math.ceil(steps / defaultTimes));
    const { evalEvery = often, saveEvery = often } = recipe.train;
    folder = openRun(recipe, resume);
    const warnings = [...modelWarnings(model, recipe), ...dataWarnings(dataset)];
    for (const message of warnings) onEvent({ type: "warning", step: 0, message });
    const result = await train({
      model,
      adapters,
      batches,
      ...(dataset.eval.length > 0 && { evalBatches: evaluationBatches(dataset.eval) }),
      optimizer,
      schedule,
      settings: { steps, accumulate, clip, evalEvery, saveEvery, keepLast, patience },
      run: { folder, identity },
      ...(isClassifier(model) && { generators: new Map([["dropout", dropout]]) }),
      resume,
      gemmBackend,
      about: about(recipe, base, dataset),
      signal,
      onEvent,
    });
    writeReport(
      folder.file("report.html"),
      reportOfRun({ name: recipe.run.name, events: readEvents(folder.path) }),
    );
    return {
      folder: folder.path,
      task: objectiveOf(model).task,
      totalSteps: steps,
      parameters: adapters.parameterCounts(),
      ...summary(result),
    };
  } finally {
    folder?.close();
    optimizer?.dispose();
    adapters.dispose();
  }
};

function makeBatches(dataset: Dataset, { train: { seed, batchSize, batchTokens } }: Recipe): BatchSource {
  return new BatchSource(dataset.train, {
    seed,
    ...(batchSize !== undefined && { batchSize }),
    ...(batchTokens !== undefined && { batchTokens }),
    ...(dataset.weights && { weights: dataset.weights }),
  });
}

function countSteps(batches: BatchSource, { train: { steps, epochs, accumulate } }: Recipe): number {
  return steps ?? Math.max(1, Math.ceil(batches.countBatches(epochs ?? 1) / accumulate));
}

/** A head with a random start is said: a classifier that was thought to be a trained one would be noticed late. */
function modelWarnings(model: TrainedModel, { train }: Recipe): string[] {
  if (!isClassifier(model) || model.info.fresh.length === 0) return [];
  return [`new, with a random start from train.seed ${train.seed}: ${model.info.fresh.join(", ")}`];
}

/** What a person should know of the rows before time is spent on them; the run's record holds all of it. */
function dataWarnings({ report: { train } }: Dataset): string[] {
  const { rows, dropped, truncated, notes } = train;
  const named = dropped.slice(0, 3).map(({ source, reason }) => `${source} (${reason})`);
  const more = dropped.length > named.length ? ", …" : "";
  return [
    ...(dropped.length > 0 ? [`${dropped.length} of ${rows} rows dropped: ${named.join(", ")}${more}`] : []),
    ...(truncated > 0 ? [`${truncated} of ${rows} rows cut to data.maxLength`] : []),
    ...notes,
  ];
}

function openRun(recipe: Recipe, resume: boolean): RunFolder {
  const path = join(recipe.run.folder, recipe.run.name);
  return resume ? RunFolder.open(path) : RunFolder.create(path, recipeToYaml(recipe));
}

function about(
  recipe: Recipe,
  { model }: Base,
  { report, hashes }: Dataset,
): Pick<StartEvent, "model" | "data" | "environment"> {
  const { family, layers, hiddenSize, vocabSize, dtype } = model.info;
  const { files, rows, dropped, truncated, labelTokens, tokens, notes } = report.train;
  return {
    model: { path: recipe.model.path, family, layers, hiddenSize, vocabSize },
    data: {
      files: files.map(({ path, sha256, format, rows: count }) => ({ path, sha256, format, rows: count })),
      hashes: { ...hashes },
      dropped: dropped.map(({ source, reason }) => ({ source, reason })),
      ...{ rows, truncated, labelTokens, tokens, notes },
      labels: isClassifier(model)
        ? [...model.info.labels]
        : "completions and trained assistant turns with their end token; every token of plain text",
    },
    environment: {
      scalora: packageVersion(),
      libtorch: torchVersion(),
      node: process.version,
      device: deviceOf(model),
      dtype,
      ...(recipe.adapter.method.startsWith("scalora") && { base: dtype === "bfloat16" ? "split" : "exact" }),
      vectorInstructions: cpuCapability(),
      seed: recipe.train.seed,
    },
  };
}

function summary({ reason, step, loss, lastEval, best, checkpoint, seconds }: TrainResult) {
  return {
    reason,
    step,
    loss,
    evalLoss: lastEval?.loss ?? null,
    bestEvalLoss: best?.loss ?? null,
    bestStep: best?.step ?? null,
    checkpoint: checkpoint ?? null,
    seconds,
  };
}
