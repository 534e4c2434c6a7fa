import { sequenceSpans } from "../../nn/causal-lm.ts";
import type { LabelledTokens } from "../../nn/causal-loss.ts";

/** What a recorded pass has for good: batches are padded to few shapes, so that they recur. */
export interface BatchShape {
  /** T */
  readonly tokens: number;
  /** S, of which the last ones may be empty. */
  readonly sequences: number;
  /** The longest sequence that attention allows for. */
  readonly longest: number;
  /** N */
  readonly labels: number;
}

/** Between two powers of two there are so many numbers of tokens: padding adds at most an eighth. */
const tokenSteps = 8;
/** Of labels there are fewer, since they vary by themselves and only the output layer computes them. */
const labelSteps = 2;
/** Empty sequences, and room for longer ones than there are, cost little: below these numbers all batches have one. */
const fewest = { sequences: 8, longest: 1024 };

/** The least number of at least `count` of those between powers of two, so many between each. */
export function roundUp(count: number, steps: number): number {
  const step = Math.max(1, 2 ** (ceilLog2(count) - 1) / steps);
  return Math.ceil(count / step) * step;
}

const ceilLog2 = (count: number) => (count <= 1 ? 0 : 32 - Math.clz32(count - 1));
const powerAbove = (count: number) => 2 ** ceilLog2(count);

/** The shape that a batch is padded to. */
export function shapeFor({ tokens, offsets, labelTargets }: LabelledTokens): BatchShape {
  const padded = roundUp(tokens.length, tokenSteps);
  const sequences = paddedOffsets(offsets, padded).length - 1;
  return {
    tokens: padded,
    sequences: powerAbove(Math.max(fewest.sequences, sequences)),
    longest: powerAbove(Math.max(fewest.longest, longestSpan(offsets).length)),
    labels: roundUp(labelTargets.length, labelSteps),
  };
}

/**
 * Where the sequences of a padded batch begin. Padding is sequences of its own, none longer than those of the batch, since a model
 * has a longest one.
 */
export function paddedOffsets(offsets: readonly number[], tokens: number): number[] {
  const { length } = longestSpan(offsets);
  const padded = [...offsets];
  for (let end = offsets.at(-1) ?? 0; end < tokens; ) {
    end = Math.min(tokens, end + length);
    padded.push(end);
  }
  return padded;
}

/** The longest sequence of a batch, which has tokens. */
export const longestSpan = (offsets: readonly number[]) =>
  sequenceSpans(offsets).reduce((longest, span) => (span.length > longest.length ? span : longest));
