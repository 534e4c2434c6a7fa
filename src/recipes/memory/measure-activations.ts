import { evaluationBatches } from "../../assemble/evaluation-batches.ts";
import { type Batch, collate, type Example } from "../../data/index.ts";
import { backward, deviceOf, RecomputedPass, type TrainableModel } from "../../nn/index.ts";
import {
  Generator,
  keepsFreedMemory,
  measureMemory,
  memory,
  releaseFreeMemory,
  scope,
} from "../../torch/index.ts";
import { objectiveOf } from "../../train/objective.ts";
import type { MemoryLimit } from "./available-memory.ts";

/** Tokens of the batches that are measured; larger ones are extrapolated. Of longer rows, so many tokens are measured. */
const [smallBatch, largeBatch] = [128, 512];
/**
 * Memory of the process over that of its tensors when a batch grows: what blocks of other sizes leave unused in a heap that
 * keeps what is freed (measured, glibc).
 */
const keptHeapOverhead = 1.2;
/**
 * The most that it is where activations are recomputed: the inputs that stay lie between what is freed, so the measured batch
 * shows how much; a small one also takes what has nothing to do with its size (measured, glibc).
 */
const mostRecomputedOverhead = 2;

/** What a pass over a batch takes beyond what the process has before it, in bytes. */
export interface BatchMemory {
  /** For the largest batch. */
  readonly bytes: number;
  /** For each of its tokens that another batch has more or less. */
  readonly perToken: number;
}

/**
 * Measures the forward and backward pass of a batch of the longest rows, for up to `tokens`. The weights stay as they are;
 * gradients are added to.
 * @param recompute whether the backward pass runs the model's blocks again
 */
export function measureTraining(measured: Measured, recompute = false): BatchMemory {
  const objective = objectiveOf(measured.model);
  using dropout = new Generator(0, deviceOf(measured.model));
  const pass = (batch: Batch) => {
    using recomputed = recompute ? new RecomputedPass(dropout) : undefined;
    backward(objective.lossSum(batch, { dropout, recompute: recomputed }), recomputed);
  };
  return measurePass(measured, pass, recompute);
}

/** Measures an evaluation in the same way. */
export function measureEvaluation(
  model: TrainableModel,
  rows: readonly Example[],
  limit?: MemoryLimit,
): BatchMemory {
  if (rows.length === 0) return { bytes: 0, perToken: 0 };
  const tokens = evaluationBatches(rows).reduce((most, batch) => Math.max(most, batch.tokens.length), 0);
  const objective = objectiveOf(model);
  return measurePass({ model, rows, tokens, limit }, (batch) => objective.evaluate(batch));
}

/** What is measured: batches of a model's rows, for up to so many tokens, within a limit of the host's memory if they are there. */
export interface Measured {
  readonly model: TrainableModel;
  readonly rows: readonly Example[];
  readonly tokens: number;
  readonly limit?: MemoryLimit | undefined;
}

/**
 * Measures two small batches, and extrapolates from the larger one by what its tensors take more. The larger one has the longest
 * row as a whole where twice what it seems to take is free.
 */
function measurePass(
  { model, rows, tokens, limit }: Measured,
  pass: (batch: Batch) => unknown,
  recompute = false,
): BatchMemory {
  const device = deviceOf(model);
  const onDevice = device !== "cpu";
  const longest = rows.toSorted((a, b) => b.ids.length - a.ids.length);
  const measure = (budget: number) => {
    const batch = collate(rowsWithin(longest, budget));
    const used = measureMemory(() => scope(() => void pass(batch)), device);
    return { ...used, tokens: batch.tokens.length };
  };
  // The first pass also loads code and makes kernels.
  const small = measure(Math.min(smallBatch, tokens / 4));
  releaseFreeMemory();
  const before = memory().resident;
  const room = limit ? ((limit.bytes - before) / (2 * small.tensors)) * small.tokens : tokens;
  const wanted = Math.max(largeBatch, longest[0]?.ids.length ?? 0);
  const large = measure(Math.min(wanted, tokens, room));
  const more = large.tokens - small.tokens;
  const perToken = more > 0 ? (large.tensors - small.tensors) / more : large.tensors / large.tokens;
  const bytes = onDevice ? large.tensors : Math.max(large.tensors, large.resident - before);
  const least = !onDevice && keepsFreedMemory() ? keptHeapOverhead : 1;
  const seen = recompute ? Math.min(bytes / large.tensors, mostRecomputedOverhead) : 1;
  const growth = Math.max(0, perToken) * Math.max(least, seen);
  return { bytes: bytes + growth * (tokens - large.tokens), perToken: growth };
}

/** The first rows with up to `budget` tokens together, or a part of the first row. */
function rowsWithin(examples: readonly Example[], budget: number): Example[] {
  let tokens = 0;
  const end = examples.findIndex(({ ids }) => {
    tokens += ids.length;
    return tokens > budget;
  });
  if (end !== 0) return examples.slice(0, end === -1 ? examples.length : end);
  return examples.slice(0, 1).map((row) => thinned(row, Math.max(2, Math.floor(budget))));
}

/** A row of `length` of its tokens, evenly spaced, so that as large a share of them are labels; the last one is. */
function thinned(row: Example, length: number): Example {
  const places = Array.from({ length }, (_, i) => Math.floor((i * row.ids.length) / length));
  const isLabel = Uint8Array.from(places, (place) => row.isLabel[place] ?? 0);
  isLabel[length - 1] = row.label === undefined ? 1 : 0;
  return {
    ...row,
    ids: Int32Array.from(places, (place) => row.ids[place] ?? 0),
    isLabel,
    ...(row.tokenTypes && { tokenTypes: row.tokenTypes.slice(0, length) }),
  };
}
