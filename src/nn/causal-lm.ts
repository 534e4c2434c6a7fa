import { type DType, fromData, indices, type Tensor, toDevice } from "../torch/index.js";
import type { KeyValueCache } from "./kv-cache.js";
import type { LMHead } from "./lm-head.js";
import type { Module } from "./module.js";

/**
 * A batch without padding: the tokens of all its sequences one after another. Attention never looks from one
 * sequence into another.
 */
export interface TokenStream {
  /** int64 `[T]` */
  tokens: Tensor;
  /** Where each sequence starts, and T at the end. */
  offsets: readonly number[];
  /** int64 `[T]`, from 0 in each sequence, or from its cache's length. */
  positions: Tensor;
  /** One per sequence: keys and values of what came before; each sequence goes on from there. */
  caches?: readonly KeyValueCache[];
}

/** What of a model's config the rest of the project asks for. */
export interface ModelInfo {
  /** `model_type` of the config, such as `llama`. */
  family: string;
  vocabSize: number;
  hiddenSize: number;
  layers: number;
  maxPositions: number;
  /** Whether `lm_head` and the embedding are one tensor. */
  tiedEmbeddings: boolean;
  dtype: DType;
}

/** A decoder that predicts the next token. */
export interface CausalLM extends Module {
  readonly info: ModelInfo;
  /** Makes logits of hidden states. */
  readonly lm_head: LMHead;
  /** `[T, hidden]`, after the final norm. Advances the stream's caches. */
  hiddenStates(stream: TokenStream): Tensor;
  newCache(): KeyValueCache;
}

/** How many tokens each sequence of a stream has. */
export function sequenceLengths({ offsets }: Pick<TokenStream, "offsets">): number[] {
  return offsets.slice(1).map((end, i) => end - offsets[i]);
}

/** Where each sequence of a stream starts, and the number of tokens at the end. */
export function sequenceOffsets(lengths: readonly number[]): number[] {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets[offsets.length - 1] + length);
  return offsets;
}

/** Counts a pass's tokens in the caches of its stream, once every layer has them. */
export function advanceCaches(stream: TokenStream): void {
  const lengths = sequenceLengths(stream);
  for (const [i, cache] of (stream.caches ?? []).entries()) cache.advance(lengths[i]);
}

/**
 * A stream of token ids.
 * @param tokens the ids of all sequences, one after another
 * @param offsets where each sequence starts, and the number of tokens at the end; one sequence by default
 */
export function tokenStream(
  tokens: ArrayLike<number>,
  offsets: readonly number[] = [0, tokens.length],
  { caches, device = "cpu" }: { caches?: readonly KeyValueCache[]; device?: string } = {},
): TokenStream {
  const positions = new BigInt64Array(tokens.length);
  for (let s = 0; s + 1 < offsets.length; s++) {
    const past = caches?.[s].length ?? 0;
    for (let i = offsets[s]; i < offsets[s + 1]; i++) positions[i] = BigInt(past + i - offsets[s]);
  }
  const place = (tensor: Tensor) => (device === "cpu" ? tensor : toDevice(tensor, device, "int64"));
  return {
    tokens: place(indices(tokens)),
    offsets,
    positions: place(fromData(positions, [positions.length])),
    ...(caches === undefined ? {} : { caches }),
  };
}
