import {
  flashAttentionForward,
  fromData,
  noGrad,
  reshape,
  scope,
  type Tensor,
  zeros,
} from "../torch/index.ts";
import type { AttentionOptions, QueryKeyValue } from "./query-key-value.ts";

/** Where the sequences of a stream begin, as libtorch's flash attention on a GPU takes it. */
export interface SequenceBounds {
  /** int32 `[S + 1]` on the GPU: the start of each sequence, and T at the end. */
  readonly starts: Tensor;
  /** Tokens of the longest sequence. */
  readonly longest: number;
}

/** The bounds of a stream's sequences; undefined on the CPU, which has attention of its own. */
export function sequenceBounds(offsets: readonly number[], device: string): SequenceBounds | undefined {
  if (device === "cpu") return undefined;
  const starts = fromData(Int32Array.from(offsets), [offsets.length], { device });
  const longest = Math.max(0, ...offsets.slice(1).map((end, s) => end - (offsets[s] ?? end)));
  return { starts, longest };
}

/**
 * Whether libtorch's flash attention computes these heads: 16-bit, in a width that it knows, on a GPU that has it (NVIDIA's from
 * Ampere on). It has no soft caps.
 */
export function canUseFlashAttention(
  { queries }: QueryKeyValue,
  { softCap }: Pick<AttentionOptions, "softCap"> = {},
): boolean {
  const { dtype, device } = queries;
  const width = queries.size(2);
  if (device === "cpu" || softCap !== undefined || width % 8 !== 0 || width > 256) return false;
  return (dtype === "bfloat16" || dtype === "float16") && hasFlashAttention(queries);
}

/**
 * Attention within each sequence of a stream by libtorch's flash attention (arXiv 2307.08691): one call for sequences of any
 * lengths, without padding, and for grouped heads without copies.
 * @param isCausal whether a token attends to earlier ones and itself only
 * @returns `[T, heads · headDim]`
 */
export function flashAttention(
  { queries, keys, values }: QueryKeyValue,
  { starts, longest }: SequenceBounds,
  { scale, slidingWindow }: AttentionOptions,
  isCausal = true,
): Tensor {
  const [rows, heads, width] = queries.sizes(3);
  const isWindowed = slidingWindow !== undefined && slidingWindow < longest;
  const [result] = flashAttentionForward(queries, keys, values, longest, longest, 0, isCausal, false, {
    cumSeqQ: starts,
    cumSeqK: starts,
    scale,
    ...(isWindowed && { windowSizeLeft: slidingWindow - 1, windowSizeRight: 0 }),
  });
  return reshape(result, [rows, heads * width]);
}

const worksOn = new Map<string, boolean>();

/** Tries it once on one token, because only the kernel itself knows the GPUs that it runs on. */
function hasFlashAttention({ device, dtype }: Tensor): boolean {
  const key = `${device} ${dtype}`;
  const known = worksOn.get(key);
  if (known !== undefined) return known;
  const works = noGrad(() => scope(() => attendsOneToken(device, dtype)));
  worksOn.set(key, works);
  return works;
}

function attendsOneToken(device: string, dtype: Tensor["dtype"]): boolean {
  const head = zeros([1, 1, 8], { dtype, device });
  const bounds = { starts: fromData(Int32Array.of(0, 1), [2], { device }), longest: 1 };
  try {
    flashAttention({ queries: head, keys: head, values: head }, bounds, { scale: 1 });
    return true;
  } catch {
    return false;
  }
}
