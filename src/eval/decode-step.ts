import { type CausalLM, type KeyValueCache, sequenceOffsets, tokenStream } from "../nn/index.ts";
import {
  amax,
  type Generator,
  indexSelect,
  indices,
  max,
  narrow,
  noGrad,
  scope,
  type Tensor,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { type Sampling, sampleToken } from "./sampling.ts";

/** A sequence to continue: its cache, and its tokens beyond those in the cache, at least one. */
export interface PendingSequence {
  readonly cache: KeyValueCache;
  readonly tokens: readonly number[];
}

/** Decoding of one output, by one sequence or by the beams of a search. */
export interface DecodingState {
  /** Names the output in errors. */
  readonly name: string;
  readonly pending: readonly PendingSequence[];
  /**
   * Chooses the next token of each pending sequence.
   * @param logits `[pending, vocabulary]`
   */
  accept(logits: Tensor): void;
}

/**
 * One forward pass for all outputs together, without padding. Each token is computed once; only the last one of each
 * sequence goes through the output layer.
 * @throws ScaloraError `run` when logits are not finite
 */
export function decodeStep(model: CausalLM, tracks: readonly DecodingState[]): void {
  noGrad(() =>
    scope(() => {
      const logits = nextLogits(
        model,
        tracks.flatMap(({ pending }) => pending),
      );
      checkLogits(logits, tracks);
      let row = 0;
      for (const track of tracks) {
        const count = track.pending.length;
        track.accept(narrow(logits, 0, row, count));
        row += count;
      }
    }),
  );
}

/** Logits of the next token, `[sequences, vocabulary]` */
function nextLogits(model: CausalLM, sequences: readonly PendingSequence[]): Tensor {
  const { device } = model.lm_head.weight;
  const offsets = sequenceOffsets(sequences.map(({ tokens }) => tokens.length));
  const caches = sequences.map(({ cache }) => cache);
  const tokens = sequences.flatMap((sequence) => sequence.tokens);
  const hidden = model.hiddenStates(tokenStream(tokens, offsets, { caches, device }));
  const last = indices(
    offsets.slice(1).map((end) => end - 1),
    { device },
  );
  return model.lm_head.forward(indexSelect(hidden, 0, last));
}

/** Refuses logits of a diverged model, whose largest one is NaN or infinite. */
function checkLogits(logits: Tensor, tracks: readonly DecodingState[]): void {
  const largest = max(logits).item();
  if (Number.isFinite(largest)) return;
  const bad = amax(logits, { dim: [1] })
    .toFloats()
    .findIndex((score) => !Number.isFinite(score));
  const tracksOfRows = tracks.flatMap((track) => track.pending.map(() => track));
  throw new ScaloraError("run", "The model's logits are not finite", {
    where: elementAt(tracksOfRows, bad).name,
    found: String(largest),
    fix: "use a checkpoint from before training diverged, or a wider dtype",
  });
}

/** Decoding of one sequence by sampling token after token. */
export class SampledSequence implements DecodingState {
  readonly name: string;
  private readonly cache: KeyValueCache;
  private readonly sampling: Sampling;
  private readonly generator: Generator;
  private next: readonly number[];

  /** @param prompt the full prompt; its first `cache.length` tokens are in the cache, which the caller keeps */
  constructor(
    name: string,
    cache: KeyValueCache,
    prompt: readonly number[],
    { sampling, generator }: { sampling: Sampling; generator: Generator },
  ) {
    this.name = name;
    this.cache = cache;
    this.next = prompt.slice(cache.length);
    this.sampling = sampling;
    this.generator = generator;
  }

  get pending(): readonly PendingSequence[] {
    return [{ cache: this.cache, tokens: this.next }];
  }

  /** The token that the last step chose. */
  get lastToken(): number {
    return elementAt(this.next, 0);
  }

  accept(logits: Tensor): void {
    this.next = [sampleToken(logits, this.sampling, this.generator).item()];
  }
}
