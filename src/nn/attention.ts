import {
  add,
  cat,
  decodeAttention,
  divScalar,
  expand,
  bidirectionalAttention as fusedBidirectional,
  causalAttention as fusedCausal,
  type Generator,
  hasFusedAttention,
  logicalNot,
  maskedFill,
  matmul,
  mulScalar,
  narrow,
  ones,
  permute,
  reshape,
  scaledDotProductAttention,
  softmax,
  type Tensor,
  tanh,
  toDType,
  transpose,
  tril,
  triu,
  unsqueeze,
} from "../torch/index.ts";
import { zip } from "../util/elements.ts";
import { canUseFusedKernel, canUseFusedStep } from "./can-use-fused-kernel.ts";
import { sequenceSpans, type TokenStream } from "./causal-lm.ts";
import { concatenate } from "./concatenate.ts";
import { dropout, dropoutFactors } from "./dropout.ts";
import { canUseFlashAttention, flashAttention } from "./flash-attention.ts";
import type { KeyValueCache } from "./kv-cache.ts";
import type { AttentionOptions, QueryKeyValue } from "./query-key-value.ts";
import type { RotaryCosSin } from "./rotary-embedding.ts";

/**
 * Causal attention within each sequence of a stream.
 * @param offsets where each sequence starts, and T at the end
 * @returns `[T, heads · headDim]`
 */
export function causalAttention(
  heads: QueryKeyValue,
  offsets: readonly number[],
  options: AttentionOptions,
): Tensor {
  const { queries, keys, values } = heads;
  if (hasFusedAttention() && canUseFusedKernel(queries, keys, values)) {
    const [rows, count, width] = queries.sizes(3);
    const { scale, slidingWindow, softCap } = options;
    const result = fusedCausal(queries, keys, values, offsets, scale, {
      window: slidingWindow,
      softCap,
    });
    return reshape(result, [rows, count * width]);
  }
  const [group, ...others] = groupByLength(offsets);
  if (group !== undefined && others.length === 0)
    return group.count === 1
      ? attendSequence(heads, options)
      : attendBatch(heads, group.count, group.length, options);
  const parts = sequenceSpans(offsets).map(({ start, length }) => {
    const part = (x: Tensor) => narrow(x, 0, start, length);
    const { queries, keys, values } = heads;
    return attendSequence({ queries: part(queries), keys: part(keys), values: part(values) }, options);
  });
  return cat(parts);
}

/** Sequences of one length that follow each other in a stream. */
export interface SequenceGroup {
  /** Row of the first token. */
  start: number;
  /** Number of sequences. */
  count: number;
  /** Tokens of each sequence. */
  length: number;
}

/** Cuts a stream into runs of equally long sequences, each of which can be computed as one batch. */
export function groupByLength(offsets: readonly number[]): SequenceGroup[] {
  const result: SequenceGroup[] = [];
  for (const { start, length } of sequenceSpans(offsets)) {
    const last = result.at(-1);
    if (last?.length === length) last.count++;
    else result.push({ start, count: 1, length });
  }
  return result;
}

/** Dropout of attention probabilities; none without a generator. */
export interface AttentionDropout {
  readonly rate: number;
  readonly generator: Generator | undefined;
}

/** Whether probabilities are dropped, which libtorch's kernels would do by torch's own generator, which no checkpoint saves. */
const drops = (dropped: AttentionDropout): dropped is AttentionDropout & { generator: Generator } =>
  dropped.generator !== undefined && dropped.rate > 0;

/**
 * Bidirectional attention: every token attends to all tokens of its sequence.
 * @param stream whose sequences they are
 * @param bias added to the scores of a segment, `[count or 1, heads, length, length]`
 * @returns `[T, heads · headDim]`
 */
export function bidirectionalAttention(
  heads: QueryKeyValue,
  { offsets, bounds }: Pick<TokenStream, "offsets" | "bounds">,
  scale: number,
  dropped: AttentionDropout,
  bias?: (segment: SequenceGroup) => Tensor,
): Tensor {
  const { queries, keys, values } = heads;
  const isPlain = bias === undefined && !drops(dropped);
  if (bounds !== undefined && isPlain && canUseFlashAttention(heads))
    return flashAttention(heads, bounds, { scale }, false);
  const [rows, count, width] = queries.sizes(3);
  if (bias === undefined && hasFusedAttention() && canUseFusedKernel(queries, keys, values)) {
    const pairs = sequenceSpans(offsets).reduce((sum, { length }) => sum + length ** 2, 0);
    const kept = dropoutFactors(pairs * count, dropped.rate, dropped.generator);
    const result = fusedBidirectional(queries, keys, values, offsets, scale, { kept });
    return reshape(result, [rows, count * width]);
  }
  const parts = groupByLength(offsets).map((segment) =>
    attendSegment(heads, segment, scale, dropped, bias?.(segment)),
  );
  return concatenate(parts);
}

function attendSegment(
  { queries, keys, values }: QueryKeyValue,
  { start, count, length }: SequenceGroup,
  scale: number,
  dropped: AttentionDropout,
  bias: Tensor | undefined,
): Tensor {
  const [, heads, width] = queries.sizes(3);
  const part = (x: Tensor) =>
    transpose(reshape(narrow(x, 0, start, count * length), [count, length, heads, width]), 1, 2);
  const [q, k, v] = [part(queries), part(keys), part(values)];
  const result = drops(dropped)
    ? attendWithDropout(q, k, v, scale, dropped, bias)
    : scaledDotProductAttention(q, k, v, { attnMask: bias, scale });
  return reshape(transpose(result, 1, 2), [count * length, heads * width]);
}

/** Attention written out, for its dropout. */
function attendWithDropout(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  { rate, generator }: AttentionDropout,
  bias?: Tensor,
): Tensor {
  const scores = mulScalar(matmul(q, transpose(k, 2, 3)), scale);
  const weights = softmax(bias === undefined ? scores : add(scores, bias), 3);
  return matmul(dropout(weights, rate, generator), v);
}

/**
 * Causal attention of the new tokens at the end of a sequence to all of its tokens.
 * @param heads queries of the new tokens only; keys and values of the whole sequence
 * @returns `[new, heads · headDim]`
 */
function cachedAttention({ queries, keys, values }: QueryKeyValue, options: AttentionOptions): Tensor {
  const added = queries.size(0);
  const total = keys.size(0);
  const visibleKeys = Math.min(total, (options.slidingWindow ?? total) + added - 1);
  const recent = (x: Tensor) => (visibleKeys === total ? x : narrow(x, 0, total - visibleKeys, visibleKeys));
  return attendSequence({ queries, keys: recent(keys), values: recent(values) }, options);
}

/**
 * Causal attention within each sequence of a stream. Where the stream has key-value caches, one per sequence, the tokens
 * also attend to the cached ones, and their keys and values are appended.
 * @param layer index of the layer in the caches
 * @returns `[T, heads · headDim]`
 */
export function streamAttention(
  heads: QueryKeyValue,
  stream: Pick<TokenStream, "offsets" | "bounds" | "caches">,
  layer: number,
  options: AttentionOptions,
): Tensor {
  const { queries, keys, values } = heads;
  const { bounds, caches } = stream;
  const cached =
    caches &&
    zip(caches, sequenceSpans(stream.offsets)).map(([cache, { start, length }]) => {
      const part = (x: Tensor) => narrow(x, 0, start, length);
      return { queries: part(queries), ...cache.append(layer, part(keys), part(values)) };
    });
  if (bounds !== undefined && canUseFlashAttention(heads, options))
    return flashAttention(heads, bounds, options);
  if (cached === undefined) return causalAttention(heads, stream.offsets, options);
  return concatenate(cached.map((sequence) => cachedAttention(sequence, options)));
}

/** Whether `decodeStepAttention` can compute a layer's attention: one new token for each of sequences that have others. */
export function isDecodeStep(
  { offsets, caches }: Pick<TokenStream, "offsets" | "caches">,
  { slidingWindow, softCap }: AttentionOptions,
  like: Tensor,
): boolean {
  return (
    caches !== undefined &&
    slidingWindow === undefined &&
    softCap === undefined &&
    offsets.every((offset, i) => offset === i) &&
    caches.every(({ length }) => length > 0) &&
    canUseFusedStep(like)
  );
}

/**
 * A decoding step, all sequences in one operator call: queries and keys are rotated, keys and values appended to the caches.
 * @param heads of the new tokens, not rotated; each `[S, heads · headDim]`, or with the heads apart
 * @returns `[S, heads · headDim]`
 */
export function decodeStepAttention(
  { queries, keys, values }: QueryKeyValue,
  { cos, signedSin }: RotaryCosSin,
  caches: readonly KeyValueCache[],
  layer: number,
  scale: number,
): Tensor {
  const rooms = caches.map((cache) => cache.reserveNext(layer));
  return decodeAttention(
    queries,
    keys,
    values,
    cos,
    signedSin,
    rooms.map((room) => room.keys),
    rooms.map((room) => room.values),
    caches.map(({ length }) => length),
    scale,
  );
}

/**
 * Attention of one sequence with queries for its last tokens. Grouped keys and values are expanded without a copy, by
 * heads of stride 0.
 */
function attendSequence({ queries, keys, values }: QueryKeyValue, options: AttentionOptions): Tensor {
  const [rows, heads, width] = queries.sizes(3);
  const [keyCount, groups] = keys.sizes(3);
  const queriesPerGroup = heads / groups;
  if (queriesPerGroup === 1) {
    const whole = (x: Tensor) => unsqueeze(transpose(x, 0, 1), 0);
    const result = attend(whole(queries), whole(keys), whole(values), options);
    return reshape(transpose(result, 1, 2), [rows, heads * width]);
  }
  const grouped = permute(reshape(queries, [rows, groups, queriesPerGroup, width]), [1, 2, 0, 3]);
  const spread = (x: Tensor) =>
    expand(unsqueeze(transpose(x, 0, 1), 1), [groups, queriesPerGroup, keyCount, width]);
  const result = attend(grouped, spread(keys), spread(values), options);
  return reshape(permute(result, [2, 0, 1, 3]), [rows, heads * width]);
}

/** Attention of sequences of equal length, in one call. */
function attendBatch(
  { queries, keys, values }: QueryKeyValue,
  count: number,
  length: number,
  options: AttentionOptions,
): Tensor {
  const [rows, heads, width] = queries.sizes(3);
  const groups = keys.size(1);
  const repeated = (x: Tensor) =>
    groups === heads ? x : expand(unsqueeze(x, 2), [rows, groups, heads / groups, width]);
  const batched = (x: Tensor) => transpose(reshape(x, [count, length, heads, width]), 1, 2);
  const result = attend(batched(queries), batched(repeated(keys)), batched(repeated(values)), options);
  return reshape(transpose(result, 1, 2), [rows, heads * width]);
}

/** @param q `[…, new, width]`, of the last tokens. @param k `[…, all, width]`, of all tokens; so is `v` */
function attend(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const [rows, keyCount] = [q.size(2), k.size(2)];
  const isWindowed = options.slidingWindow !== undefined && options.slidingWindow < keyCount;
  if (options.softCap !== undefined) {
    return attendSoftCapped(
      q,
      k,
      v,
      causalMask(rows, keyCount, options.slidingWindow, q.device),
      options.scale,
      options.softCap,
    );
  }
  const isCausal = rows === keyCount && !isWindowed;
  const mask =
    isCausal || rows === 1 ? undefined : causalMask(rows, keyCount, options.slidingWindow, q.device);
  return scaledDotProductAttention(q, k, v, { attnMask: mask, isCausal, scale: options.scale });
}

/** Soft-capped attention as transformers computes it: the softmax in fp32 at least. */
function attendSoftCapped(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: number, cap: number): Tensor {
  const scores = mulScalar(matmul(q, transpose(k, -2, -1)), scale);
  const capped = mulScalar(tanh(divScalar(scores, cap)), cap);
  const wide = q.dtype === "float64" ? capped : toDType(capped, "float32");
  const weights = softmax(maskedFill(wide, logicalNot(mask), Number.NEGATIVE_INFINITY), -1);
  return matmul(toDType(weights, q.dtype), v);
}

/** bool `[rows, keyCount]`: the keys that each of the last `rows` tokens attends to. */
function causalMask(rows: number, keyCount: number, window: number | undefined, device: string): Tensor {
  const past = tril(ones([rows, keyCount], { dtype: "bool", device }), { diagonal: keyCount - rows });
  return window === undefined ? past : triu(past, { diagonal: keyCount - rows - window + 1 });
}
