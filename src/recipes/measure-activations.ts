import type { AdapterSet } from "../adapters/index.ts";
import { collate, type Example } from "../data/index.ts";
import type { TrainableModel } from "../nn/index.ts";
import { keepsFreedMemory, memory, releaseFreeMemory, scope } from "../torch/index.ts";
import { objectiveOf } from "../train/objective.ts";

/** Tokens of the batches that are measured; larger ones are extrapolated. */
const [smallBatch, largeBatch] = [512, 2048];

/** What the forward and backward pass of a batch takes. */
export interface MeasuredActivations {
  /** Bytes that the process takes at the peak of a batch of `tokens`. */
  readonly resident: number;
  readonly tokens: number;
  /** Bytes for each token more; undefined where all rows were measured at once. */
  readonly perToken: number | undefined;
}

/**
 * Measures the memory of forward and backward passes on two small batches of the longest rows, with at most `limit` tokens. The
 * weights stay as they are, gradients become zero. The resident memory afterwards is the peak only where the process keeps
 * freed memory.
 * @returns undefined when it does not, or when the passes fail, which the first step will report
 */
export function measureActivations(
  { model, adapters }: { readonly model: TrainableModel; readonly adapters: AdapterSet },
  examples: readonly Example[],
  limit: number,
): MeasuredActivations | undefined {
  if (!keepsFreedMemory()) return undefined;
  const longest = examples.toSorted((a, b) => b.ids.length - a.ids.length);
  const objective = objectiveOf(model);
  const before = memory().peak;
  const measure = (budget: number) => {
    const batch = collate(rowsWithin(longest, budget));
    scope(() => objective.lossSum(batch).backward());
    const { resident, peak } = memory();
    return { resident: peak > before ? peak : resident, tokens: batch.tokens.length };
  };
  try {
    // The first pass loads code and makes kernels.
    measure(Math.min(smallBatch, limit / 4));
    releaseFreeMemory();
    const small = measure(Math.min(smallBatch, limit / 4));
    const large = measure(Math.min(largeBatch, limit));
    const perToken = (large.resident - small.resident) / (large.tokens - small.tokens);
    return { ...large, perToken: perToken > 0 && Number.isFinite(perToken) ? perToken : undefined };
  } catch {
    return undefined;
  } finally {
    adapters.zeroGrad();
  }
}

/** The first rows with up to `budget` tokens together; at least one. */
function rowsWithin(examples: readonly Example[], budget: number): Example[] {
  let tokens = 0;
  const end = examples.findIndex(({ ids }) => {
    tokens += ids.length;
    return tokens > budget;
  });
  return examples.slice(0, Math.max(1, end === -1 ? examples.length : end));
}
