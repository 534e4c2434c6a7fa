import { type DType, fromData, type Generator, indices, type Tensor } from "../torch/index.ts";
import { zip } from "../util/elements.ts";
import { type SequenceBounds, sequenceBounds } from "./flash-attention.ts";
import type { KeyValueCache } from "./kv-cache.ts";
import type { LMHead } from "./lm-head.ts";
import type { Module } from "./module.ts";
import type { RecomputedPass } from "./recompute.ts";

/**
 * A batch without padding: the tokens of all its sequences one after another. No token attends to another sequence.
 */
export interface TokenStream {
  /** int64 `[T]` */
  tokens: Tensor;
  /** Where each sequence starts, and T at the end. */
  offsets: readonly number[];
  /** The same on a GPU, for its attention; a stream without them, as one that continues others, is computed sequence by sequence. */
  bounds?: SequenceBounds;
  /** int64 `[T]`, from 0 in each sequence, or from its cache's length. */
  positions: Tensor;
  /** One per sequence: the keys and values of its earlier tokens, which the stream continues. */
  caches?: readonly KeyValueCache[];
  /** int64 `[T]`: token type ids, for encoders (the text of a pair that a token belongs to); absent: all 0. */
  tokenTypes?: Tensor;
  /** The training run's generator, for the model's own dropout; without it (outside training) there is no dropout. */
  dropout?: Generator;
  /** The training pass that the stream is for, if its backward pass runs the model's blocks again. */
  recompute?: RecomputedPass;
}

/** What a forward pass of training has beside its tokens. */
export interface TrainingPass {
  /** The run's generator: with it the model's own dropout is active. */
  readonly dropout?: Generator | undefined;
  /** Set where the backward pass runs the model's blocks again; the loss then goes to its `backward`. */
  readonly recompute?: RecomputedPass | undefined;
}

/** Model metadata shared by decoders and classifiers. */
export interface CommonModelInfo {
  /** `model_type` of the config, such as `llama`. */
  family: string;
  vocabSize: number;
  hiddenSize: number;
  layers: number;
  maxPositions: number;
  dtype: DType;
}

/** Model metadata of a decoder. */
export interface ModelInfo extends CommonModelInfo {
  /** Whether `lm_head` and the embedding are one tensor. */
  tiedEmbeddings: boolean;
  /** What the files hold beside the decoder and is not loaded, in words; absent where there is nothing. */
  leftOut?: string;
}

/** A decoder that predicts the next token. */
export interface CausalLM extends Module {
  readonly info: ModelInfo;
  /** Absolute path of the folder or GGUF file that it was loaded from; absent for a new model. */
  path?: string;
  /** Output layer: hidden states to logits. */
  readonly lm_head: LMHead;
  /** Hidden states `[T, hidden]` after the final norm. Advances the stream's caches. */
  hiddenStates(stream: TokenStream): Tensor;
  /** An empty key-value cache for one sequence. */
  newCache(): KeyValueCache;
}

/** Start row and number of tokens of each sequence of a stream. */
export function sequenceSpans(offsets: readonly number[]): { start: number; length: number }[] {
  return zip(offsets.slice(0, -1), offsets.slice(1)).map(([start, end]) => ({ start, length: end - start }));
}

/** Number of tokens of each sequence of a stream. */
function sequenceLengths({ offsets }: Pick<TokenStream, "offsets">): number[] {
  return sequenceSpans(offsets).map(({ length }) => length);
}

/** Where each sequence of a stream starts, and the number of tokens at the end. */
export function sequenceOffsets(lengths: readonly number[]): number[] {
  let end = 0;
  return [0, ...lengths.map((length) => (end += length))];
}

/** Advances the caches of a stream by its tokens, after every layer has appended them. */
export function advanceCaches(stream: TokenStream): void {
  if (stream.caches === undefined) return;
  for (const [cache, length] of zip(stream.caches, sequenceLengths(stream))) cache.advance(length);
}

/**
 * A stream of token ids.
 * @param tokens the ids of all sequences, one after another
 * @param offsets where each sequence starts, and the number of tokens at the end; undefined: one sequence
 */
export function tokenStream(
  tokens: ArrayLike<number>,
  offsets: readonly number[] = [0, tokens.length],
  {
    device,
    caches,
    tokenTypes,
    dropout,
    recompute,
  }: TrainingPass & {
    /** That of the model. */
    device: string;
    /** One per sequence, which the stream continues. */
    caches?: readonly KeyValueCache[] | undefined;
    /** Token type ids, for encoders. */
    tokenTypes?: ArrayLike<number> | undefined;
  },
): TokenStream {
  const positions = new BigInt64Array(tokens.length);
  for (const [s, { start, length }] of sequenceSpans(offsets).entries()) {
    const past = caches?.[s]?.length ?? 0;
    for (let i = 0; i < length; i++) positions[start + i] = BigInt(past + i);
  }
  const isContinued = caches?.some(({ length }) => length > 0) ?? false;
  const bounds = isContinued ? undefined : sequenceBounds(offsets, device);
  return {
    tokens: indices(tokens, { device }),
    offsets,
    ...(bounds && { bounds }),
    positions: fromData(positions, [positions.length], { device }),
    ...(caches && { caches }),
    ...(tokenTypes && { tokenTypes: indices(tokenTypes, { device }) }),
    ...(dropout && { dropout }),
    ...(recompute && { recompute }),
  };
}
