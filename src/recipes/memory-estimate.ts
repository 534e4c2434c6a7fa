import type { AdapterSet } from "../adapters/index.ts";
import type { Dataset } from "../data/index.ts";
import { isClassifier, Linear, nf4Weights, type TrainableModel } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { dtypeWidth, type Tensor } from "../torch/index.ts";

/** The parts of a run before its first step. */
export interface RunParts {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
}

/** Approximate bytes of a chunk of logits; each chunk has a gradient of the same size. */
const logitsChunk = 2 ** 24;
/** Bytes of libtorch code and JavaScript heap that the first step loads (measured, x86-64). */
const firstStep = 80 * 2 ** 20;

/** Tensors that base stores hold in addition to the weights: low halves, or factors of the frozen low-rank delta. */
const baseStoreTensors = /\.base\.(low|P|Q)$/;

/**
 * Estimates the peak memory of training from shapes, in bytes; measured peaks were up to a third higher (docs/training.md).
 * Counted are the process before the model is loaded, all weights (with base stores; quantised weights in 4 bits, plus the
 * largest one dequantised), trainable parameters with gradients and moments, and the activations of one batch: input and
 * output of every linear layer per token, and for a language model two chunks of logits.
 * @param tokens in the largest batch
 * @param before resident bytes before the model was loaded; 0 on a GPU
 */
export function estimateMemory(
  { model, adapters, optimizer }: RunParts,
  { tokens, before }: { tokens: number; before: number },
): number {
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
  const kept =
    numbers + bytesOf([...weights, ...own, ...beside, ...gradients, ...optimizer.state().values()]);
  const activations = tokens * activationsPerToken(model) * dtypeWidth(model.info.dtype);
  const logits = isClassifier(model) ? 0 : 2 * logitsChunk;
  return (before > 0 ? before + firstStep : 0) + kept + activations + logits;
}

/** Bytes of a checkpoint's tensors: factors, moments, and the adapted weights if the method changes them. */
export function checkpointBytes({ adapters, optimizer }: Omit<RunParts, "model">): number {
  return bytesOf([...adapters.state().values(), ...optimizer.state().values()]);
}

/** Tokens in the largest possible batch of the recipe's rows. */
export function largestBatchTokens(
  { train }: Dataset,
  { batchSize, batchTokens }: { batchSize?: number | undefined; batchTokens?: number | undefined },
): number {
  const lengths = train.flat().map(({ ids }) => ids.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (batchTokens !== undefined) return Math.min(batchTokens, total);
  const longest = lengths.sort((a, b) => b - a).slice(0, batchSize);
  return longest.reduce((sum, length) => sum + length, 0);
}

/** The output layer is not counted: its logits are computed in chunks. */
function activationsPerToken(model: TrainableModel): number {
  let floats = 0;
  for (const [path, module] of model.namedModules())
    if (module instanceof Linear && path !== "lm_head")
      floats += module.weight.shape.reduce((sum, extent) => sum + extent, 0);
  return floats;
}

const bytesOf = (tensors: readonly Tensor[]) =>
  tensors.reduce((sum, { numel, dtype }) => sum + numel * dtypeWidth(dtype), 0);
