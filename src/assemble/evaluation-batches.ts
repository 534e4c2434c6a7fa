import { type Batch, batchesInOrder, type Example } from "../data/index.ts";

/** Batches of evaluation rows hold about this many tokens, whatever the training batch. */
const evalTokens = 4096;

/** Held-out rows as batches; none for no rows. */
export function evaluationBatches(rows: readonly Example[]): Batch[] {
  const longest = rows.reduce((length, { ids }) => Math.max(length, ids.length), 0);
  return batchesInOrder(rows, { batchTokens: Math.max(evalTokens, longest) });
}
