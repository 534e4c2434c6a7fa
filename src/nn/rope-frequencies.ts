import { fromData, powTensor, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";

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

export interface RopeFrequencies {
  /** `[headDim / 2]` inverse frequencies, in radians per position. */
  inverseFrequencies: Float32Array;
  /** Cosines and sines are multiplied by it. */
  attentionScaling: number;
}

/** The shape values of a model that the frequencies depend on. */
export interface RopeShape {
  headDim: number;
  maxPositions: number;
}

/**
 * The table for a sequence of `length` tokens (the longest position + 1). Only `dynamic` and `longrope` depend on it.
 * Sequences have tables of their own: what else is in a batch, or came before, does not matter (in transformers the
 * longest sequence of a batch decides for all).
 */
export function ropeFrequencies(rope: RopeParameters, shape: RopeShape, length: number): RopeFrequencies {
  switch (rope.type) {
    case "default":
      return { inverseFrequencies: reciprocals(thetaPowers(rope.theta, shape.headDim)), attentionScaling: 1 };
    case "linear":
      return {
        inverseFrequencies: reciprocals(thetaPowers(rope.theta, shape.headDim)).map(
          (f) => f / toFloat32(rope.factor),
        ),
        attentionScaling: 1,
      };
    case "dynamic":
      return { inverseFrequencies: dynamicFrequencies(rope, shape, length), attentionScaling: 1 };
    case "llama3":
      return {
        inverseFrequencies: reciprocals(thetaPowers(rope.theta, shape.headDim)).map(
          llama3FrequencyScaling(rope),
        ),
        attentionScaling: 1,
      };
    case "yarn":
      return yarnFrequencies(rope, shape.headDim);
    case "longrope":
      return longropeFrequencies(rope, shape.headDim, length);
  }
}

/** Whether sequences of unequal lengths may have different tables. */
export const dependsOnLength = ({ type }: RopeParameters) => type === "dynamic" || type === "longrope";

/** Key of the table for `length`: equal keys mean equal tables. */
export function ropeFrequenciesKey(rope: RopeParameters, shape: RopeShape, length: number): number {
  if (rope.type === "dynamic") return Math.max(length, shape.maxPositions);
  if (rope.type === "longrope" && length > rope.originalMaxPositions) return rope.originalMaxPositions + 1;
  return 1;
}

const toFloat32 = Math.fround;

/** `theta^(2i/dim)` in fp32, for i from 0 to dim/2 − 1. */
function thetaPowers(theta: number, dim: number): Float32Array {
  const exponents = Float32Array.from({ length: dim / 2 }, (_, i) => (2 * i) / dim);
  return scope(() => {
    const result = powTensor(
      fromData(Float32Array.of(theta), [], { device: "cpu" }),
      fromData(exponents, [exponents.length], { device: "cpu" }),
    );
    return Float32Array.from(result.toFloats());
  });
}

/** `1 / x` element by element; typed arrays round to fp32 as they store. */
function reciprocals(values: Float32Array): Float32Array {
  return values.map((value) => 1 / value);
}

/** NTK-aware scaling: beyond the trained length the base grows with the length. */
function dynamicFrequencies(
  rope: RopeParameters & { type: "dynamic" },
  { headDim, maxPositions }: RopeShape,
  length: number,
): Float32Array {
  if (length <= maxPositions) return reciprocals(thetaPowers(rope.theta, headDim));
  const stretched = toFloat32(toFloat32(rope.factor) * length);
  const growth = toFloat32(toFloat32(stretched / maxPositions) - toFloat32(rope.factor - 1));
  // torch takes this one exponent, a plain number, in double precision.
  const scaled = toFloat32(growth ** (headDim / (headDim - 2)));
  return reciprocals(thetaPowers(toFloat32(toFloat32(rope.theta) * scaled), headDim));
}

/** Llama 3.1: low frequencies are divided by the factor, high ones kept, those between interpolated. */
function llama3FrequencyScaling(rope: RopeParameters & { type: "llama3" }): (frequency: number) => number {
  const { lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions } = rope;
  const factor = toFloat32(rope.factor);
  const lowFrequencyWavelength = originalMaxPositions / low;
  const highFrequencyWavelength = originalMaxPositions / high;
  return (frequency) => {
    const wavelength = toFloat32(toFloat32(1 / frequency) * toFloat32(2 * Math.PI));
    if (wavelength > toFloat32(lowFrequencyWavelength)) return frequency / factor;
    if (wavelength < toFloat32(highFrequencyWavelength)) return frequency;
    const turns = toFloat32(toFloat32(1 / wavelength) * toFloat32(originalMaxPositions));
    const smooth = toFloat32(toFloat32(turns - toFloat32(low)) / toFloat32(high - low));
    const scaledPart = toFloat32(toFloat32(toFloat32(1 - smooth) * frequency) / factor);
    return scaledPart + toFloat32(smooth * frequency);
  };
}

/** YaRN (2309.00071): each frequency between scaled and unscaled, by its turns within the original context. */
function yarnFrequencies(rope: RopeParameters & { type: "yarn" }, dim: number): RopeFrequencies {
  const factor = toFloat32(rope.factor);
  const [low, high] = yarnCorrectionRange(rope, dim);
  const span = toFloat32(low === high ? 0.001 : high - low);
  const frequencies = thetaPowers(rope.theta, dim).map((value, i) => {
    const ramp = Math.min(1, Math.max(0, toFloat32(toFloat32(i - toFloat32(low)) / span)));
    const extrapolationFactor = toFloat32(1 - ramp);
    const scaledPart = toFloat32(
      toFloat32(1 / toFloat32(factor * value)) * toFloat32(1 - extrapolationFactor),
    );
    return scaledPart + toFloat32(toFloat32(1 / value) * extrapolationFactor);
  });
  return {
    inverseFrequencies: frequencies,
    attentionScaling: rope.attentionFactor ?? yarnAttentionFactor(rope),
  };
}

function yarnCorrectionRange(rope: RopeParameters & { type: "yarn" }, dim: number): [number, number] {
  const correctionDimension = (turns: number) =>
    (dim * Math.log(rope.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(rope.theta));
  const [low, high] = [correctionDimension(rope.betaFast), correctionDimension(rope.betaSlow)];
  const [first, last] = rope.truncate ? [Math.floor(low), Math.ceil(high)] : [low, high];
  return [Math.max(first, 0), Math.min(last, dim - 1)];
}

function yarnAttentionFactor({ factor, mscale, mscaleAllDim }: RopeParameters & { type: "yarn" }): number {
  const mscaleFor = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? mscaleFor(mscale) / mscaleFor(mscaleAllDim) : mscaleFor(1);
}

/** LongRoPE: a factor for each frequency, one list for short and one for long sequences. */
function longropeFrequencies(
  rope: RopeParameters & { type: "longrope" },
  dim: number,
  length: number,
): RopeFrequencies {
  const { originalMaxPositions, factor } = rope;
  const factors = length > originalMaxPositions ? rope.longFactor : rope.shortFactor;
  const frequencies = thetaPowers(rope.theta, dim).map(
    (value, i) => 1 / toFloat32(toFloat32(elementAt(factors, i)) * value),
  );
  const natural = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions));
  return { inverseFrequencies: frequencies, attentionScaling: rope.attentionFactor ?? natural };
}
