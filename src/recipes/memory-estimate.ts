import type { AdapterSet } from "../adapters/index.ts";
import type { Dataset, Example } from "../data/index.ts";
import { deviceOf, isClassifier, Linear, nf4Weights, RMSNorm, type TrainableModel } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { dtypeWidth, type Tensor } from "../torch/index.ts";
import { type MeasuredActivations, measureActivations } from "./measure-activations.ts";

/** The parts of a run before its first step. */
export interface RunParts {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
}

/** The memory that a run takes at its peak. */
export interface MemoryNeed {
  /** Bytes at the peak: `fixed` and the activations of the largest batch. */
  readonly total: number;
  /** Bytes whatever the batch: process, weights, gradients, moments. */
  readonly fixed: number;
  /** Bytes for each token of a batch. */
  readonly perToken: number;
  /** Tokens of the largest batch. */
  readonly tokens: number;
}

/** Elements in a chunk of logits (`native/cross_entropy.cpp`); each chunk has a gradient of the same size. */
const logitsChunk = 2 ** 22;
/** Bytes of libtorch code and JavaScript heap that the first step loads (measured, x86-64). */
const firstStep = 32 * 2 ** 20;
/** Memory of the process over that of its tensors: what aligned blocks leave unused in glibc's heap (measured). */
const heapOverhead = 1.2;

/** Kernels that oneDNN makes and keeps for the batch lengths of later steps, in bfloat16 (measured). */
const kernelCache = 24 * 2 ** 20;
/** Activations of later steps, with batches of other shapes, relative to the measured ones (an empirical factor). */
const laterSteps = 1.15;

/** Tensors that base stores hold in addition to the weights: low halves, or factors of the frozen low-rank delta. */
const baseStoreTensors = /\.base\.(low|P|Q)$/;

/**
 * The memory of training at its peak: on the CPU measured on small batches where possible (`measureActivations`), else
 * estimated from shapes.
 * @param before resident bytes before the model was loaded
 */
export function memoryNeed(
  parts: RunParts,
  dataset: Dataset,
  settings: { batchSize?: number | undefined; batchTokens?: number | undefined },
  before: number,
): MemoryNeed {
  const onDevice = deviceOf(parts.model) !== "cpu";
  const tokens = largestBatchTokens(dataset, settings);
  const rows: Example[] = dataset.train.flat();
  const measured = onDevice ? undefined : measureActivations(parts, rows, tokens);
  return estimateMemory(parts, { tokens, before: onDevice ? 0 : before, measured });
}

/**
 * Estimates the peak memory of training. Without a measurement these are counted: the process before the model is loaded, all
 * weights (with base stores; quantised weights in 4 bits, plus the largest one dequantised), trainable parameters with
 * gradients and moments, and the activations of one batch: input and output of every linear layer per token, float32 copies
 * in norms of half precision, and for a language model two chunks of logits.
 * @param tokens in the largest batch
 * @param before resident bytes before the model was loaded; 0 on a GPU
 */
export function estimateMemory(
  parts: RunParts,
  {
    tokens,
    before,
    measured,
  }: { tokens: number; before: number; measured?: MeasuredActivations | undefined },
): MemoryNeed {
  const { model } = parts;
  const once = measured?.perToken ?? activationsPerToken(model) * (before > 0 ? heapOverhead : 1);
  const perToken = measured ? laterSteps * once : once;
  const fixed = measured
    ? measured.resident - measured.tokens * once + (model.info.dtype === "bfloat16" ? kernelCache : 0)
    : (before > 0 ? before + firstStep : 0) + keptBytes(parts) + logitsBytes(model, tokens);
  return { total: fixed + tokens * perToken, fixed, perToken, tokens };
}

function keptBytes({ model, adapters, optimizer }: RunParts): number {
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

/** Logits of a chunk of rows with their gradient. */
function logitsBytes(model: TrainableModel, tokens: number): number {
  if (isClassifier(model)) return 0;
  const { vocabSize } = model.info;
  const rows = Math.min(tokens, Math.max(16, Math.floor(logitsChunk / vocabSize)));
  return 2 * 4 * rows * vocabSize;
}

/** Bytes of a checkpoint's tensors: factors, moments, and the adapted weights if the method changes them. */
export function checkpointBytes({ adapters, optimizer }: Omit<RunParts, "model">): number {
  return bytesOf([...adapters.state().values(), ...optimizer.state().values()]);
}

/** Tokens in the largest possible batch of the recipe's rows. */
function largestBatchTokens(
  { train }: Dataset,
  { batchSize, batchTokens }: { batchSize?: number | undefined; batchTokens?: number | undefined },
): number {
  const lengths = train.flat().map(({ ids }) => ids.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (batchTokens !== undefined) return Math.min(batchTokens, total);
  const longest = lengths.sort((a, b) => b - a).slice(0, batchSize);
  return longest.reduce((sum, length) => sum + length, 0);
}

/** Bytes that a token leaves for the backward pass. The output layer is not counted: its logits are computed in chunks. */
function activationsPerToken(model: TrainableModel): number {
  const width = dtypeWidth(model.info.dtype);
  let bytes = 0;
  for (const [path, module] of model.namedModules()) {
    if (module instanceof Linear && path !== "lm_head")
      bytes += width * module.weight.shape.reduce((sum, extent) => sum + extent, 0);
    if (module instanceof RMSNorm && width < 4) bytes += 4 * module.weight.numel;
  }
  return bytes;
}

const bytesOf = (tensors: readonly Tensor[]) =>
  tensors.reduce((sum, { numel, dtype }) => sum + numel * dtypeWidth(dtype), 0);
