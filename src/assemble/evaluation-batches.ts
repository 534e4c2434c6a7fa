import { type Batch, batchesInOrder, type Example } from "../data/index.ts";

/** Approximate tokens in a batch of evaluation rows, independent of the training batch. */
const evalTokens = 4096;

/** Held-out rows as batches. */
export function evaluationBatches(rows: readonly Example[]): Batch[] {
  const longest = rows.reduce((length, { ids }) => Math.max(length, ids.length), 0);
  return batchesInOrder(rows, { batchTokens: Math.max(evalTokens, longest) });
}
