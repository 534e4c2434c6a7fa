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

/** A sequence that goes on: what its cache holds, and the tokens after that, at least one. */
export interface PendingSequence {
  readonly cache: KeyValueCache;
  readonly tokens: readonly number[];
}

/** One output that is being written, of one sequence or of the beams of a search. */
export interface DecodingState {
  /** Names the output in errors. */
  readonly name: string;
  readonly pending: readonly PendingSequence[];
  /**
   * Takes the scores of what follows each pending sequence, and decides.
   * @param logits `[pending, vocabulary]`
   */
  accept(logits: Tensor): void;
}

/**
 * One pass for all tracks together, whatever the lengths of their sequences: no padding, every token computed once,
 * only the last row of each sequence through the output layer.
 * @throws ScaloraError `run` when the model's scores are not numbers
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

/** `[sequences, vocabulary]` */
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

/** Of a diverged model the largest score is NaN or infinite. */
function checkLogits(logits: Tensor, tracks: readonly DecodingState[]): void {
  const largest = max(logits).item();
  if (Number.isFinite(largest)) return;
  const bad = amax(logits, { dim: [1] })
    .toFloats()
    .findIndex((score) => !Number.isFinite(score));
  const tracksOfRows = tracks.flatMap((track) => track.pending.map(() => track));
  throw new ScaloraError("run", "The model's scores are not finite numbers", {
    where: elementAt(tracksOfRows, bad).name,
    found: String(largest),
    fix: "use a checkpoint from before training diverged, or a wider dtype",
  });
}

/** A sequence that goes on with one chosen token after another. */
export class SampledSequence implements DecodingState {
  readonly name: string;
  private readonly cache: KeyValueCache;
  private readonly sampling: Sampling;
  private readonly generator: Generator;
  private next: readonly number[];

  /** @param prompt whole; its first `cache.length` tokens are in the cache, which stays the caller's */
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
