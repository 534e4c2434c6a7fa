import { type DType, fromData, type Generator, indices, type Tensor, toDevice } from "../torch/index.js";
import type { KeyValueCache } from "./kv-cache.js";
import type { Linear } from "./linear.js";
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
  /** int64 `[T]`, from 0 in each sequence, or from the cache's length. */
  positions: Tensor;
  /** Keys and values of what came before: the stream then holds one sequence, which goes on from there. */
  cache?: KeyValueCache;
  /** int64 `[T]`: which part of a pair each token belongs to, for encoders; absent: all to part 0. */
  tokenTypes?: Tensor;
  /** The training run's random numbers for the model's own dropout; outside training absent, and no dropout acts. */
  dropout?: Generator;
}

/** What of any model's config the rest of the project asks for. */
export interface CommonInfo {
  /** `model_type` of the config, such as `llama`. */
  family: string;
  vocabSize: number;
  hiddenSize: number;
  layers: number;
  maxPositions: number;
  dtype: DType;
}

/** The same of a decoder. */
export interface ModelInfo extends CommonInfo {
  /** Whether `lm_head` and the embedding are one tensor. */
  tiedEmbeddings: boolean;
}

/** A decoder that predicts the next token. */
export interface CausalLM extends Module {
  readonly info: ModelInfo;
  readonly lm_head: Linear;
  /** `[T, hidden]`, after the final norm: `lm_head` makes logits of it. Advances the stream's cache. */
  hiddenStates(stream: TokenStream): Tensor;
  newCache(): KeyValueCache;
}

/** How many tokens each sequence of a stream has. */
export function sequenceLengths({ offsets }: Pick<TokenStream, "offsets">): number[] {
  return offsets.slice(1).map((end, i) => end - offsets[i]);
}

/**
 * A stream of token ids.
 * @param tokens the ids of all sequences, one after another
 * @param offsets where each sequence starts, and the number of tokens at the end; one sequence by default
 */
export function tokenStream(
  tokens: ArrayLike<number>,
  offsets: readonly number[] = [0, tokens.length],
  {
    cache,
    device = "cpu",
    tokenTypes,
    dropout,
  }: {
    cache?: KeyValueCache;
    device?: string;
    tokenTypes?: ArrayLike<number>;
    dropout?: Generator;
  } = {},
): TokenStream {
  const positions = new BigInt64Array(tokens.length);
  const past = cache?.length ?? 0;
  for (let s = 0; s + 1 < offsets.length; s++) {
    for (let i = offsets[s]; i < offsets[s + 1]; i++) positions[i] = BigInt(past + i - offsets[s]);
  }
  const place = (tensor: Tensor) => (device === "cpu" ? tensor : toDevice(tensor, device, "int64"));
  return {
    tokens: place(indices(tokens)),
    offsets,
    positions: place(fromData(positions, [positions.length])),
    ...(cache && { cache }),
    ...(tokenTypes && { tokenTypes: place(indices(tokenTypes)) }),
    ...(dropout && { dropout }),
  };
}
