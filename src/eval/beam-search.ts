import type { KeyValueCache } from "../nn/index.ts";
import { add, fromData, logSoftmax, reshape, type Tensor, toDType, topk } from "../torch/index.ts";
import { elementAt, zip } from "../util/elements.ts";
import type { DecodingState, PendingSequence } from "./decode-step.ts";

interface Beam {
  readonly cache: KeyValueCache;
  readonly tokens: readonly number[];
  /** Sum of its tokens' log-probabilities. */
  readonly score: number;
}

/** A finished output and its mean log-probability per token, end token included. */
interface FinishedBeam {
  readonly tokens: readonly number[];
  readonly score: number;
}

/** One continuation of a beam by one token. */
interface Candidate {
  readonly parent: number;
  readonly token: number;
  readonly score: number;
}

export interface BeamOptions {
  /** Number of beams. */
  readonly beams: number;
  readonly maxTokens: number;
  readonly endTokens: ReadonlySet<number>;
}

/**
 * Beam search for the output of the highest mean log-probability per token. It ends as in transformers 5.17 with
 * `length_penalty=1, early_stopping=False`: when as many outputs have finished as there are beams, and no unfinished beam
 * scores above the worst of them. The prompt is computed once for all beams; a beam that branches copies its cache.
 */
export class BeamSearch implements DecodingState, Disposable {
  readonly name: string;
  private readonly prompt: readonly number[];
  private readonly options: BeamOptions;
  private beams: readonly Beam[];
  private finishedBeams: readonly FinishedBeam[] = [];
  private length = 0;

  /** @param cache an empty cache, which this object disposes of */
  constructor(name: string, cache: KeyValueCache, prompt: readonly number[], options: BeamOptions) {
    this.name = name;
    this.prompt = prompt;
    this.options = options;
    this.beams = [{ cache, tokens: [], score: 0 }];
  }

  get pending(): readonly PendingSequence[] {
    return this.beams.map(({ cache, tokens }) => ({
      cache,
      tokens: this.length === 0 ? this.prompt : tokens.slice(-1),
    }));
  }

  /** Whether no unfinished beam can improve the result. */
  get isDone(): boolean {
    const { beams, maxTokens } = this.options;
    if (this.length === 0) return false;
    if (this.length >= maxTokens || this.beams.length === 0) return true;
    const worst = Math.min(...this.finishedBeams.map(({ score }) => score));
    return this.finishedBeams.length === beams && elementAt(this.beams, 0).score / this.length <= worst;
  }

  /** Tokens of the best output so far, without its end token. */
  get best(): readonly number[] {
    return this.finishedBeams[0]?.tokens ?? elementAt(this.beams, 0).tokens;
  }

  accept(logits: Tensor): void {
    const candidates = this.candidates(logits);
    this.length++;
    const { beams, endTokens, maxTokens } = this.options;
    const isEnd = ({ token }: Candidate) => endTokens.has(token);
    const ended = candidates.slice(0, beams).filter((one) => isEnd(one) || this.length >= maxTokens);
    const going = candidates.filter((one) => !isEnd(one)).slice(0, beams);
    const outputs = ended.map((one) => {
      const { tokens } = elementAt(this.beams, one.parent);
      return { tokens: isEnd(one) ? tokens : [...tokens, one.token], score: one.score / this.length };
    });
    this.finishedBeams = [...this.finishedBeams, ...outputs]
      .sort((a, b) => b.score - a.score)
      .slice(0, beams);
    this.keepBeams(going);
  }

  dispose(): void {
    for (const { cache } of this.beams) cache.dispose();
    this.beams = [];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The best continuations, best first: so many that `beams` are left without those that end. */
  private candidates(logits: Tensor): Candidate[] {
    const [rows, vocabulary] = logits.sizes(2);
    const { beams, endTokens } = this.options;
    const before = fromData(
      Float32Array.from(this.beams, ({ score }) => score),
      [rows, 1],
      { device: logits.device },
    );
    const scores = add(logSoftmax(toDType(logits, "float32"), 1), before);
    const count = Math.min(beams * (1 + endTokens.size), rows * vocabulary);
    const [best, places] = topk(reshape(scores, [-1]), count, { dim: 0 });
    const values = best.toFloats();
    return zip(places.toFloats(), values).map(([place, score]) => ({
      parent: Math.floor(place / vocabulary),
      token: place % vocabulary,
      score,
    }));
  }

  /** Keeps the continuations as the new beams: the first of each beam takes over its cache, the others copy it. */
  private keepBeams(going: readonly Candidate[]): void {
    const old = this.beams;
    const taken = new Set<number>();
    this.beams = going.map(({ parent, token, score }) => {
      const { cache, tokens } = elementAt(old, parent);
      const isFirst = !taken.has(parent);
      taken.add(parent);
      return { cache: isFirst ? cache : cache.fork(), tokens: [...tokens, token], score };
    });
    for (const [i, { cache }] of old.entries()) if (!taken.has(i)) cache.dispose();
  }
}
