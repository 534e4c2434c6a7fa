import type { Recipe } from "../config/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatBytes, formatCount } from "../util/format.ts";
import type { MemoryLimit } from "./available-memory.ts";
import type { MemoryNeed } from "./memory-estimate.ts";

/** The estimate may be this much too high; a run is refused when it would not fit even then. */
const estimateError = 0.1;
/** Activations and float32 weights in bfloat16 take about this share of their memory (norms compute in float32). */
const [bfloat16Activations, bfloat16Weights, nf4Weights] = [0.65, 0.5, 0.14];

/** Bytes of the weights that a smaller dtype would make smaller. */
export interface WeightBytes {
  /** All weights, when they are float32; else 0. */
  readonly float32: number;
  /** The linear layers of blocks, when they are not quantised; else 0. */
  readonly quantisable: number;
}

/** Whether a run fits into memory: certainly, perhaps, or not at all. */
export function fitOf({ total }: Pick<MemoryNeed, "total">, { bytes }: MemoryLimit): "yes" | "tight" | "no" {
  if (total * (1 - estimateError) > bytes) return "no";
  return total * (1 + estimateError) > bytes ? "tight" : "yes";
}

/** Why a run does not fit into memory, and what would. */
export function memoryError(
  need: MemoryNeed,
  limit: MemoryLimit,
  weights: WeightBytes,
  { train }: { readonly train: Pick<Recipe["train"], "batchTokens"> },
): ScaloraError {
  const fitting = Math.floor((limit.bytes - need.fixed) / need.perToken);
  return new ScaloraError("config", "The run does not fit into memory", {
    where: train.batchTokens === undefined ? "train.batchSize" : "train.batchTokens",
    expected: `at most ${formatBytes(limit.bytes)}, all that this process may take of ${limit.of}`,
    found: `about ${formatBytes(need.total)} at the peak: ${formatBytes(need.fixed)} whatever the batch, ${formatBytes(need.tokens * need.perToken)} for the largest one of ${formatCount(need.tokens)} tokens`,
    fix: [
      ...(fitting >= 1
        ? [`train.batchTokens: ${fitting} fits (a larger train.accumulate makes up for it)`]
        : []),
      ...smallerTypes(need, weights, limit),
      "SCALORA_MEMORY_CHECK=off starts it all the same",
    ].join("; "),
  });
}

/** Other types of the weights with which the run would fit. */
function smallerTypes(
  { fixed, perToken, tokens }: MemoryNeed,
  { float32, quantisable }: WeightBytes,
  { bytes }: MemoryLimit,
): string[] {
  const half = fixed - float32 * (1 - bfloat16Weights) + tokens * perToken * bfloat16Activations;
  const quantised = fixed - quantisable * (1 - nf4Weights) + tokens * perToken;
  return [
    ...(float32 > 0 && half < bytes ? [`model.dtype: bfloat16 takes about ${formatBytes(half)}`] : []),
    ...(quantisable > 0 && quantised < bytes
      ? [`adapter.method: qlora takes about ${formatBytes(quantised)}`]
      : []),
  ];
}
