import { BatchSource, batchesInOrder } from "../data/batch-source.ts";
import type { Batch, Example } from "../data/types.ts";
import { Random } from "../util/random.ts";

/** Sequences that count upwards modulo 13 from a random start; the first token is not a label. */
export function countingExamples(count: number, seed = 1): Example[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, row) => {
    const length = 3 + random.integerBelow(6);
    const start = random.integerBelow(13);
    return {
      ids: Int32Array.from({ length }, (_, i) => (start + i * (1 + (row % 2))) % 13),
      isLabel: Uint8Array.from({ length }, (_, i) => (i > 0 ? 1 : 0)),
      source: `count.jsonl:${row + 1}`,
    };
  });
}

export const countingBatches = (batchSize = 4, rows = 22): BatchSource =>
  new BatchSource([countingExamples(rows)], { seed: 3, batchSize });

export const heldOutBatches = (): Batch[] => batchesInOrder(countingExamples(9, 2), { batchSize: 4 });
