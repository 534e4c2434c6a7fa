import { ScaloraError } from "../util/errors.ts";
import type { Batch, Example } from "./types.ts";

/**
 * Concatenates sequences without padding: a stream of T tokens with S + 1 offsets. A label at position j of a sequence is
 * predicted from position j - 1 of the same sequence, never across a boundary. Rows of a classification have one label each
 * instead.
 * @throws ScaloraError `data` when no token of the batch is a label.
 */
export function collate(examples: readonly Example[]): Batch {
  const batch = collateTokens(examples);
  const labels = examples.flatMap(({ label }) => label ?? []);
  if (labels.length === examples.length && labels.length > 0)
    return { ...batch, ...collateTypes(examples), labels: Float64Array.from(labels) };
  if (batch.labelPositions.length === 0)
    throw new ScaloraError("data", "No token of a batch is a label", {
      where: batch.sources.join(", ") || "empty batch",
    });
  return batch;
}

/** Token type ids, absent where all are 0. */
function collateTypes(examples: readonly Example[]): Pick<Batch, "tokenTypes"> {
  if (examples.every(({ tokenTypes }) => tokenTypes === undefined)) return {};
  const types = examples.map(({ ids, tokenTypes }) => tokenTypes ?? new Int32Array(ids.length));
  return { tokenTypes: Int32Array.from(types.flatMap((each) => [...each])) };
}

function collateTokens(examples: readonly Example[]): Batch {
  const total = examples.reduce((sum, { ids }) => sum + ids.length, 0);
  const tokens = new Int32Array(total);
  const offsets = [0];
  const rows: number[] = [];
  const targets: number[] = [];
  let start = 0;
  for (const { ids, isLabel } of examples) {
    tokens.set(ids, start);
    for (const [j, id] of ids.entries()) {
      if (j === 0 || isLabel[j] === 0) continue;
      rows.push(start + j - 1);
      targets.push(id);
    }
    start += ids.length;
    offsets.push(start);
  }
  const sources = examples.map(({ source }) => source);
  return {
    tokens,
    offsets,
    labelPositions: Int32Array.from(rows),
    labelTargets: Int32Array.from(targets),
    sources,
  };
}
