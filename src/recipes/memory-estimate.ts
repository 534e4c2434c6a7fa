import type { AdapterSet } from "../adapters/index.ts";
import type { Dataset, Example } from "../data/index.ts";
import { deviceOf, nf4Weights, type TrainableModel } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { dtypeWidth, memory, releaseFreeMemory, type Tensor } from "../torch/index.ts";
import type { MemoryLimit } from "./available-memory.ts";
import { type BatchMemory, measureEvaluation, measureTraining } from "./measure-activations.ts";

/** The parts of a run before its first step. */
export interface RunParts {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
}

/** The memory that a run takes at its peak. */
export interface MemoryNeed {
  /** Bytes at the peak: `fixed` and the activations of the largest batch, or `least`. */
  readonly total: number;
  /** Bytes that loading and evaluation take, whatever the batch of training. */
  readonly least: number;
  /** Bytes of training whatever the batch: process, weights, gradients, moments. */
  readonly fixed: number;
  /** Bytes for each token of a training batch. */
  readonly perToken: number;
  /** Tokens of the largest batch. */
  readonly tokens: number;
  /** Tokens of the longest row. */
  readonly longestRow: number;
}

/** Tensors that base stores hold in addition to the weights: low halves, or factors of the frozen low-rank delta. */
const baseStoreTensors = /\.base\.(low|P|Q)$/;

/** JavaScript heap and kernels of later steps, whose batches have other shapes (measured, x86-64). */
const laterSteps = 32 * 2 ** 20;

/** Where a run trains: the rows, the size of its batches, and the peak of the process before the run was prepared. */
export interface MemorySettings {
  readonly dataset: Pick<Dataset, "train" | "eval">;
  readonly train: { readonly batchSize?: number | undefined; readonly batchTokens?: number | undefined };
  readonly limit: MemoryLimit;
  readonly peakBefore: number;
}

/**
 * The memory of training at its peak, measured with passes over batches of some hundred tokens; gradients are zero afterwards.
 * On a GPU it is that of the tensors.
 */
export function memoryNeed(parts: RunParts, settings: MemorySettings): MemoryNeed {
  const { model, adapters } = parts;
  const { dataset, train, limit, peakBefore } = settings;
  const rows = dataset.train.flat();
  const tokens = largestBatchTokens(rows, train);
  const training = orNothing(() => measureTraining(model, rows, tokens, limit));
  const evaluation = orNothing(() => measureEvaluation(model, dataset.eval, limit));
  adapters.zeroGrad();
  const { kept, soFar } =
    deviceOf(model) === "cpu" ? processMemory(peakBefore) : { kept: keptBytes(parts), soFar: 0 };
  const { bytes, perToken } = training;
  const least = Math.max(kept + evaluation.bytes, soFar);
  return {
    total: Math.max(kept + bytes, least),
    fixed: kept + bytes - tokens * perToken,
    longestRow: Math.max(...rows.map(({ ids }) => ids.length)),
    ...{ least, perToken, tokens },
  };
}

/** A pass that fails counts as nothing: the first step, or evaluation, reports why. */
function orNothing(measure: () => BatchMemory): BatchMemory {
  try {
    return measure();
  } catch {
    return { bytes: 0, perToken: 0 };
  }
}

/** What the process keeps between steps, and its peak so far if that is of this run. */
function processMemory(peakBefore: number): { kept: number; soFar: number } {
  releaseFreeMemory();
  const { resident, peak } = memory();
  return { kept: resident + laterSteps, soFar: peak > peakBefore ? peak : 0 };
}

/**
 * Bytes of the tensors that a run keeps: all weights (with base stores; quantised ones in 4 bits, plus the largest one
 * dequantised), trainable parameters with gradients and moments.
 */
export function keptBytes({ model, adapters, optimizer }: RunParts): number {
  const weights = new Set([...model.namedParameters()].map(([, weight]) => weight));
  const trainables = adapters.trainables();
  const own = trainables.map(({ value }) => value).filter((value) => !weights.has(value));
  const merged = [...adapters.state()].filter(([name]) => baseStoreTensors.test(name));
  const gradients = trainables.map(({ grad }) => grad);
  const numbers = Math.max(
    0,
    ...nf4Weights(model).map(([, weight]) => weight.numel * dtypeWidth(weight.dtype)),
  );
  const beside = merged.map(([, tensor]) => tensor);
  return numbers + bytesOf([...weights, ...own, ...beside, ...gradients, ...optimizer.state().values()]);
}

/** Bytes of a checkpoint's tensors: factors, moments, and the adapted weights if the method changes them. */
export function checkpointBytes({ adapters, optimizer }: Omit<RunParts, "model">): number {
  return bytesOf([...adapters.state().values(), ...optimizer.state().values()]);
}

/** Tokens in the largest possible batch of the recipe's rows. */
function largestBatchTokens(
  rows: readonly Example[],
  { batchSize, batchTokens }: MemorySettings["train"],
): number {
  const lengths = rows.map(({ ids }) => ids.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (batchTokens !== undefined) return Math.min(batchTokens, total);
  const longest = lengths.sort((a, b) => b - a).slice(0, batchSize);
  return longest.reduce((sum, length) => sum + length, 0);
}

const bytesOf = (tensors: readonly Tensor[]) =>
  tensors.reduce((sum, { numel, dtype }) => sum + numel * dtypeWidth(dtype), 0);
