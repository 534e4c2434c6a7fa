import {
  add,
  cat,
  expand,
  causalAttention as fusedAttention,
  type Generator,
  hasFusedAttention,
  matmul,
  mulScalar,
  narrow,
  ones,
  permute,
  reshape,
  scaledDotProductAttention,
  softmax,
  type Tensor,
  transpose,
  tril,
  unsqueeze,
} from "../torch/index.js";
import { dropout } from "./dropout.js";

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

/** Sequences of one length that follow each other in a stream. */
export interface Segment {
  /** Row of the first token. */
  start: number;
  /** How many sequences. */
  count: number;
  /** Tokens of each. */
  length: number;
}

/** Cuts a stream into runs of equally long sequences, each of which can be computed as one batch. */
export function segments(offsets: readonly number[]): Segment[] {
  const result: Segment[] = [];
  for (let s = 0; s + 1 < offsets.length; s++) {
    const length = offsets[s + 1] - offsets[s];
    const last = result.at(-1);
    if (last?.length === length) last.count++;
    else result.push({ start: offsets[s], count: 1, length });
  }
  return result;
}

/**
 * Attention of every token to all tokens of its sequence.
 * @param bias added to the scores of a segment, `[count or 1, heads, length, length]`
 * @param drop dropout of the attention probabilities; none without a generator
 * @returns `[T, heads · headDim]`
 */
export function bidirectionalAttention(
  { queries, keys, values }: Heads,
  offsets: readonly number[],
  scale: number,
  drop: { rate: number; generator: Generator | undefined },
  bias?: (segment: Segment) => Tensor,
): Tensor {
  const [, heads, width] = queries.shape;
  const parts = segments(offsets).map((segment) => {
    const { start, count, length } = segment;
    const part = (x: Tensor) =>
      transpose(reshape(narrow(x, 0, start, count * length), [count, length, heads, width]), 1, 2);
    const [q, k, v] = [part(queries), part(keys), part(values)];
    const result =
      drop.generator === undefined || drop.rate === 0
        ? attend(q, k, v, scale, false, bias?.(segment))
        : attendDropping(q, k, v, scale, drop, bias?.(segment));
    return reshape(transpose(result, 1, 2), [count * length, heads * width]);
  });
  return parts.length === 1 ? parts[0] : cat(parts, 0);
}

/** By its definition: the fused kernels draw their dropout from a generator that no checkpoint holds. */
function attendDropping(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  { rate, generator }: { rate: number; generator: Generator | undefined },
  bias?: Tensor,
): Tensor {
  const scores = mulScalar(matmul(q, transpose(k, 2, 3)), scale);
  const weights = softmax(bias === undefined ? scores : add(scores, bias), 3);
  return matmul(dropout(weights, rate, generator), v);
}

/**
 * Attention of new tokens at the end of a sequence to all of it.
 * @param heads queries of the new tokens only; keys and values of the whole sequence
 * @returns `[new, heads · headDim]`
 */
export function cachedAttention(heads: Heads, scale: number): Tensor {
  const [added] = heads.queries.shape;
  const [total] = heads.keys.shape;
  if (added === total) return attendSequence(heads, scale, true);
  if (added === 1) return attendSequence(heads, scale, false);
  const seen = tril(ones([added, total], "bool", undefined, heads.queries.device), total - added);
  return attendSequence(heads, scale, false, seen);
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
