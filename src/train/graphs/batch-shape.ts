import { sequenceSpans } from "../../nn/causal-lm.ts";
import type { LabelledTokens } from "../../nn/causal-loss.ts";
import { largestOf } from "../../util/elements.ts";

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

/** Between two powers of two there are so many numbers of tokens, and of labels: padding adds at most one in so many. */
const stepsOfAnOctave = 8;

/** The least of the numbers that batches are padded to. */
export function roundUp(count: number): number {
  const step = Math.max(1, 2 ** (ceilLog2(count) - 1) / stepsOfAnOctave);
  return Math.ceil(count / step) * step;
}

const ceilLog2 = (count: number) => (count <= 1 ? 0 : 32 - Math.clz32(count - 1));

/** Sequences beyond those there are cost nothing, and neither does room for longer ones: powers of two. */
const powerAbove = (count: number) => 2 ** ceilLog2(count);

/** The shape that a batch is padded to. */
export function shapeFor({ tokens, offsets, labelTargets }: LabelledTokens): BatchShape {
  const longest = longestOf(offsets);
  const padded = roundUp(tokens.length);
  const paddings = Math.ceil((padded - tokens.length) / longest);
  return {
    tokens: padded,
    sequences: powerAbove(offsets.length - 1 + paddings),
    longest: powerAbove(longest),
    labels: roundUp(labelTargets.length),
  };
}

/**
 * Where the sequences of a padded batch begin. Padding is sequences of its own, none longer than those of the batch, since a model
 * has a longest one.
 */
export function paddedOffsets(offsets: readonly number[], { tokens }: Pick<BatchShape, "tokens">): number[] {
  const longest = longestOf(offsets);
  const padded = [...offsets];
  for (let end = offsets.at(-1) ?? 0; end < tokens; ) {
    end = Math.min(tokens, end + longest);
    padded.push(end);
  }
  return padded;
}

const longestOf = (offsets: readonly number[]) =>
  Math.max(1, largestOf(sequenceSpans(offsets).map(({ length }) => length)));
