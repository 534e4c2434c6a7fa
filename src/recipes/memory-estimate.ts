import type { AdapterSet } from "../adapters/index.ts";
import type { Dataset } from "../data/index.ts";
import { isClassifier, Linear, nf4Weights, type TrainableModel } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { dtypeWidth, type Tensor } from "../torch/index.ts";

/** What a run is made of, before its first step. */
export interface RunParts {
  readonly model: TrainableModel;
  readonly adapters: AdapterSet;
  readonly optimizer: Optimizer;
}

/** The output layer's logits are made in chunks of about this many bytes, each with its gradient beside it. */
const logitsChunk = 2 ** 24;
/** Code of libtorch and heap of JavaScript that only the first step touches (measured, x86-64). */
const firstStep = 80 * 2 ** 20;

/** What stores of changing weights hold beside the weights: low halves, or the factors of what was merged. */
const baseStoreTensors = /\.base\.(low|P|Q)$/;

/**
 * About the most memory that training takes, from shapes, in bytes; measured peaks were up to a third above it
 * (docs/training.md). It counts what the process holds before the model is loaded, all weights (what stores of merged
 * changes hold beside them too; the codes of quantised ones, and the numbers of the largest), factors with gradients and
 * moments, and what one batch keeps for its backward pass: the input and the output of every
 * linear layer, once per token, and of a language model two chunks of logits.
 * @param tokens of the largest batch
 * @param before bytes resident before the model was loaded; 0 on a GPU
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

/** Bytes of a checkpoint's tensors: factors, moments, and the adapted weights where a method changes them. */
export function checkpointBytes({ adapters, optimizer }: Omit<RunParts, "model">): number {
  return bytesOf([...adapters.state().values(), ...optimizer.state().values()]);
}

/** Tokens of the largest batch that the recipe's batch size can make of its rows. */
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

/** The output layer is left out: its logits never exist all at once. */
function activationsPerToken(model: TrainableModel): number {
  let floats = 0;
  for (const [path, module] of model.namedModules())
    if (module instanceof Linear && path !== "lm_head")
      floats += module.weight.shape.reduce((sum, extent) => sum + extent, 0);
  return floats;
}

const bytesOf = (tensors: readonly Tensor[]) =>
  tensors.reduce((sum, { numel, dtype }) => sum + numel * dtypeWidth(dtype), 0);
