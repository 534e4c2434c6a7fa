import {
  cat,
  contiguous,
  decodeAttention,
  expand,
  causalAttention as fusedAttention,
  hasFusedAttention,
  narrow,
  ones,
  permute,
  reshape,
  scaledDotProductAttention,
  type Tensor,
  transpose,
  tril,
  unsqueeze,
} from "../torch/index.js";
import type { TokenStream } from "./causal-lm.js";
import type { KeyValueCache } from "./kv-cache.js";

/** Heads of a stream of tokens; keys and values may have fewer heads (grouped queries). */
export interface Heads {
  /** `[T, heads, headDim]` */
  queries: Tensor;
  /** `[T, kvHeads, headDim]` */
  keys: Tensor;
  /** `[T, kvHeads, headDim]` */
  values: Tensor;
}

/**
 * Causal attention within each sequence of a stream.
 * @param offsets where each sequence starts, and T at the end
 * @param scale of the scores, usually 1/√headDim
 * @returns `[T, heads · headDim]`
 */
export function causalAttention(heads: Heads, offsets: readonly number[], scale: number): Tensor {
  const { queries } = heads;
  if (queries.dtype === "float32" && queries.device === "cpu" && hasFusedAttention()) {
    const [rows, count, width] = queries.shape;
    const result = fusedAttention(queries, heads.keys, heads.values, offsets, scale);
    return reshape(result, [rows, count * width]);
  }
  const count = offsets.length - 1;
  if (count === 1) return attendSequence(heads, scale, true);
  const length = offsets[1] - offsets[0];
  if (offsets.every((offset, i) => offset === i * length)) return attendBatch(heads, count, length, scale);
  const parts = offsets.slice(1).map((end, i) => {
    const part = (x: Tensor) => narrow(x, 0, offsets[i], end - offsets[i]);
    const { queries, keys, values } = heads;
    return attendSequence({ queries: part(queries), keys: part(keys), values: part(values) }, scale, true);
  });
  return cat(parts, 0);
}

/**
 * Attention of new tokens at the end of a sequence to all of it.
 * @param heads queries of the new tokens only; keys and values of the whole sequence
 * @returns `[new, heads · headDim]`
 */
function cachedAttention(heads: Heads, scale: number): Tensor {
  const [added] = heads.queries.shape;
  const [total] = heads.keys.shape;
  if (added === total) return attendSequence(heads, scale, true);
  if (added === 1) return attendSequence(heads, scale, false);
  const seen = tril(ones([added, total], "bool", undefined, heads.queries.device), total - added);
  return attendSequence(heads, scale, false, seen);
}

/**
 * Attention of a stream's tokens to what came before them in their own sequences, in its caches (of which each sequence
 * has one of its own length) or in the stream alone.
 * @param layer whose keys and values these are
 * @returns `[T, heads · headDim]`
 */
export function streamAttention(
  heads: Heads,
  { offsets, caches }: Pick<TokenStream, "offsets" | "caches">,
  layer: number,
  scale: number,
): Tensor {
  if (caches === undefined) return causalAttention(heads, offsets, scale);
  const { queries, keys, values } = heads;
  const isStep = queries.shape[0] === caches.length && offsets.every((offset, i) => offset === i);
  if (isStep && queries.dtype === "float32" && queries.device === "cpu" && !queries.requiresGrad)
    return attendStep(heads, caches, layer, scale);
  const parts = caches.map((cache, i) => {
    const part = (x: Tensor) => narrow(x, 0, offsets[i], offsets[i + 1] - offsets[i]);
    return cachedAttention(
      { queries: part(queries), ...cache.append(layer, part(keys), part(values)) },
      scale,
    );
  });
  return parts.length === 1 ? parts[0] : cat(parts, 0);
}

/** One new token for each sequence, all in one operator. */
function attendStep(
  { queries, keys, values }: Heads,
  caches: readonly KeyValueCache[],
  layer: number,
  scale: number,
): Tensor {
  const rooms = caches.map((cache) => cache.withRoom(layer, keys));
  const result = decodeAttention(
    contiguous(queries),
    contiguous(keys),
    contiguous(values),
    rooms.map((room) => room.keys),
    rooms.map((room) => room.values),
    caches.map(({ length }) => length),
    scale,
  );
  const [rows, heads, width] = result.shape;
  return reshape(result, [rows, heads * width]);
}

/** One sequence. Shared keys and values are expanded without a copy: a batch of groups whose heads have stride 0. */
function attendSequence(
  { queries, keys, values }: Heads,
  scale: number,
  causal: boolean,
  mask?: Tensor,
): Tensor {
  const [rows, heads, width] = queries.shape;
  const [seen, groups] = keys.shape;
  const shared = heads / groups;
  if (shared === 1) {
    const whole = (x: Tensor) => unsqueeze(transpose(x, 0, 1), 0);
    const result = attend(whole(queries), whole(keys), whole(values), scale, causal, mask);
    return reshape(transpose(result, 1, 2), [rows, heads * width]);
  }
  const grouped = permute(reshape(queries, [rows, groups, shared, width]), [1, 2, 0, 3]);
  const spread = (x: Tensor) => expand(unsqueeze(transpose(x, 0, 1), 1), [groups, shared, seen, width]);
  const result = attend(grouped, spread(keys), spread(values), scale, causal, mask);
  return reshape(permute(result, [2, 0, 1, 3]), [rows, heads * width]);
}

/** Sequences of one length, in one call. */
function attendBatch({ queries, keys, values }: Heads, count: number, length: number, scale: number): Tensor {
  const [rows, heads, width] = queries.shape;
  const groups = keys.shape[1];
  const repeated = (x: Tensor) =>
    groups === heads ? x : expand(unsqueeze(x, 2), [rows, groups, heads / groups, width]);
  const batched = (x: Tensor) => transpose(reshape(x, [count, length, heads, width]), 1, 2);
  const result = attend(batched(queries), batched(repeated(keys)), batched(repeated(values)), scale, true);
  return reshape(transpose(result, 1, 2), [rows, heads * width]);
}

function attend(q: Tensor, k: Tensor, v: Tensor, scale: number, causal: boolean, mask?: Tensor): Tensor {
  return scaledDotProductAttention(q, k, v, mask, 0, causal, scale);
}
