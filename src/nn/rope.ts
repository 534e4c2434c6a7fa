import { fromData, powTensor, scope } from "../torch/index.ts";

/**
 * Inverse frequencies of rotary position embeddings, for each kind of context extension that transformers 5.17 knows
 * (`modeling_rope_utils.py`). Every step rounds to fp32 where transformers does, and powers are torch's own: an angle
 * is position × frequency, so one unit in the last place would show at long positions.
 */
export type RopeParameters =
  | { type: "default"; theta: number }
  | { type: "linear"; theta: number; factor: number }
  | { type: "dynamic"; theta: number; factor: number }
  | {
      type: "llama3";
      theta: number;
      factor: number;
      lowFrequencyFactor: number;
      highFrequencyFactor: number;
      originalMaxPositions: number;
    }
  | {
      type: "yarn";
      theta: number;
      factor: number;
      attentionFactor?: number;
      betaFast: number;
      betaSlow: number;
      mscale?: number;
      mscaleAllDim?: number;
      truncate: boolean;
      originalMaxPositions: number;
    }
  | {
      type: "longrope";
      theta: number;
      factor: number;
      attentionFactor?: number;
      shortFactor: readonly number[];
      longFactor: readonly number[];
      originalMaxPositions: number;
    };

export interface RopeTable {
  /** `[headDim / 2]` inverse frequencies, in radians per position. */
  frequencies: Float32Array;
  /** Cosines and sines are multiplied by it. */
  scale: number;
}

/** What of a model's shape the tables depend on. */
export interface RopeShape {
  headDim: number;
  maxPositions: number;
}

/**
 * The table for a sequence of `length` tokens (the longest position + 1). Only `dynamic` and `longrope` depend on it.
 * Sequences have tables of their own: what else is in a batch, or came before, does not matter (in transformers the
 * longest sequence of a batch decides for all).
 */
export function ropeTable(rope: RopeParameters, shape: RopeShape, length: number): RopeTable {
  switch (rope.type) {
    case "default":
      return { frequencies: inverse(powers(rope.theta, shape.headDim)), scale: 1 };
    case "linear":
      return {
        frequencies: inverse(powers(rope.theta, shape.headDim)).map((f) => f / round(rope.factor)),
        scale: 1,
      };
    case "dynamic":
      return { frequencies: dynamicFrequencies(rope, shape, length), scale: 1 };
    case "llama3":
      return { frequencies: inverse(powers(rope.theta, shape.headDim)).map(llama3Scaling(rope)), scale: 1 };
    case "yarn":
      return yarnTable(rope, shape.headDim);
    case "longrope":
      return longropeTable(rope, shape.headDim, length);
  }
}

/** A length that has the same table as `length`: one for all of a type whose table does not depend on it. */
export function ropeTableLength(rope: RopeParameters, shape: RopeShape, length: number): number {
  if (rope.type === "dynamic") return Math.max(length, shape.maxPositions);
  if (rope.type === "longrope" && length > rope.originalMaxPositions) return rope.originalMaxPositions + 1;
  return 1;
}

const round = Math.fround;

/** `theta^(2i/dim)` in fp32, for i from 0 to dim/2 − 1. */
function powers(theta: number, dim: number): Float32Array {
  const exponents = Float32Array.from({ length: dim / 2 }, (_, i) => (2 * i) / dim);
  return scope(() => {
    const result = powTensor(fromData(Float32Array.of(theta), []), fromData(exponents, [exponents.length]));
    return Float32Array.from(result.toFloats());
  });
}

/** `1 / x` element by element; typed arrays round to fp32 as they store. */
function inverse(values: Float32Array): Float32Array {
  return values.map((value) => 1 / value);
}

/** NTK-aware scaling: beyond the trained length the base grows with the length. */
function dynamicFrequencies(
  rope: RopeParameters & { type: "dynamic" },
  { headDim, maxPositions }: RopeShape,
  length: number,
): Float32Array {
  if (length <= maxPositions) return inverse(powers(rope.theta, headDim));
  const stretched = round(round(rope.factor) * length);
  const growth = round(round(stretched / maxPositions) - round(rope.factor - 1));
  // torch takes this one exponent, a plain number, in double precision.
  const scaled = round(growth ** (headDim / (headDim - 2)));
  return inverse(powers(round(round(rope.theta) * scaled), headDim));
}

/** Llama 3.1: low frequencies are divided by the factor, high ones kept, those between interpolated. */
function llama3Scaling(rope: RopeParameters & { type: "llama3" }): (frequency: number) => number {
  const { lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions } = rope;
  const factor = round(rope.factor);
  const longWave = originalMaxPositions / low;
  const shortWave = originalMaxPositions / high;
  return (frequency) => {
    const wavelength = round(round(1 / frequency) * round(2 * Math.PI));
    if (wavelength > round(longWave)) return frequency / factor;
    if (wavelength < round(shortWave)) return frequency;
    const turns = round(round(1 / wavelength) * round(originalMaxPositions));
    const smooth = round(round(turns - round(low)) / round(high - low));
    const scaledPart = round(round(round(1 - smooth) * frequency) / factor);
    return scaledPart + round(smooth * frequency);
  };
}

/** YaRN (2309.00071): each frequency between scaled and unscaled, by its turns within the original context. */
function yarnTable(rope: RopeParameters & { type: "yarn" }, dim: number): RopeTable {
  const factor = round(rope.factor);
  const [low, high] = yarnRange(rope, dim);
  const span = round(low === high ? 0.001 : high - low);
  const frequencies = powers(rope.theta, dim).map((value, i) => {
    const ramp = Math.min(1, Math.max(0, round(round(i - round(low)) / span)));
    const kept = round(1 - ramp);
    const scaledPart = round(round(1 / round(factor * value)) * round(1 - kept));
    return scaledPart + round(round(1 / value) * kept);
  });
  return { frequencies, scale: rope.attentionFactor ?? yarnScale(rope) };
}

function yarnRange(rope: RopeParameters & { type: "yarn" }, dim: number): [number, number] {
  const dimensionOf = (turns: number) =>
    (dim * Math.log(rope.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(rope.theta));
  const [low, high] = [dimensionOf(rope.betaFast), dimensionOf(rope.betaSlow)];
  const [first, last] = rope.truncate ? [Math.floor(low), Math.ceil(high)] : [low, high];
  return [Math.max(first, 0), Math.min(last, dim - 1)];
}

function yarnScale({ factor, mscale, mscaleAllDim }: RopeParameters & { type: "yarn" }): number {
  const scaleOf = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? scaleOf(mscale) / scaleOf(mscaleAllDim) : scaleOf(1);
}

/** LongRoPE: a factor for each frequency, one list for short and one for long sequences. */
function longropeTable(rope: RopeParameters & { type: "longrope" }, dim: number, length: number): RopeTable {
  const { originalMaxPositions, factor } = rope;
  const factors = length > originalMaxPositions ? rope.longFactor : rope.shortFactor;
  const frequencies = powers(rope.theta, dim).map((value, i) => 1 / round(round(factors[i]) * value));
  const natural = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions));
  return { frequencies, scale: rope.attentionFactor ?? natural };
}
