import { zip } from "../util/elements.ts";
import { ggufFormatError } from "./format-error.ts";
import type { GgufMetadata } from "./metadata.ts";

/** `rope_scaling` of a config; null without one. */
export type RopeScaling = Readonly<Record<string, unknown>> | null;

/** Rotary embedding of heads of `headDim` values with the base `theta`. */
export interface RopeSettings {
  readonly theta: number;
  readonly headDim: number;
  /** Divisor of each frequency, where the file has them (Llama 3). */
  readonly factors: readonly number[] | undefined;
}

/**
 * The RoPE scaling of a file as `rope_scaling` of a Hugging Face config. As in llama.cpp, a factor without a type is linear,
 * and a factor of 0 is none.
 * @throws ScaloraError `format` for kinds that a config cannot express
 */
export function readRopeScaling(metadata: GgufMetadata, prefix: string, rotation: RopeSettings): RopeScaling {
  const key = `${prefix}.rope.scaling.type`;
  const factor = readFactor(metadata, prefix);
  const type = metadata.string(key) ?? (factor === undefined ? "none" : "linear");
  checkNoAttentionFactor(metadata, prefix);
  if (rotation.factors !== undefined) {
    const isUnscaled = type === "none" || (factor ?? 1) === 1;
    if (!isUnscaled) throw metadata.invalidValueError(key, "none beside the tensor rope_freqs.weight", type);
    return llama3Scaling(metadata.path, rotation, rotation.factors);
  }
  if (type === "none") return null;
  if (type === "linear" && factor !== undefined) return { rope_type: "linear", factor };
  if (type === "yarn" && factor !== undefined)
    return { rope_type: "yarn", factor, ...yarnScaling(metadata, prefix) };
  throw metadata.invalidValueError(key, "none, or linear or yarn with a factor", type);
}

/** By the current key or the old one. */
function readFactor(metadata: GgufMetadata, prefix: string): number | undefined {
  const found =
    metadata.number(`${prefix}.rope.scaling.factor`) ?? metadata.number(`${prefix}.rope.scale_linear`);
  return found === 0 ? undefined : found;
}

/** Refuses an attention factor: a config cannot express it. */
function checkNoAttentionFactor(metadata: GgufMetadata, prefix: string): void {
  const key = `${prefix}.rope.scaling.attn_factor`;
  const value = metadata.number(key) ?? 1;
  if (value !== 1) throw metadata.invalidValueError(key, "1", value);
}

/** YaRN's keys in GGUF, and in the config. */
const yarnKeys: readonly (readonly [string, string])[] = [
  ["original_context_length", "original_max_position_embeddings"],
  ["yarn_attn_factor", "attention_factor"],
  ["yarn_beta_fast", "beta_fast"],
  ["yarn_beta_slow", "beta_slow"],
];

function yarnScaling(metadata: GgufMetadata, prefix: string): Record<string, number> {
  const found = yarnKeys.flatMap(([stored, key]) => {
    const value = metadata.number(`${prefix}.rope.scaling.${stored}`);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}

/** The one set of bounds that Llama 3.1, 3.2 and 3.3 were published with; only the factor differs. */
const llama3Bounds = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

function llama3Scaling(
  path: string,
  { theta, headDim }: RopeSettings,
  factors: readonly number[],
): RopeScaling {
  const where = `${path}, tensor "rope_freqs.weight"`;
  if (factors.length * 2 !== headDim)
    throw ggufFormatError(where, "The rotary frequencies do not fit the heads", {
      expected: `half the head size (${headDim})`,
      found: `${factors.length}`,
    });
  const factor = Math.max(...factors);
  const scaling = { rope_type: "llama3", factor, ...llama3Bounds };
  const expected = llama3Factors(theta, headDim, scaling);
  const worst = Math.max(...zip(expected, factors).map(([value, stored]) => Math.abs(value / stored - 1)));
  if (worst < 1e-4) return scaling;
  throw ggufFormatError(where, "The rotary frequencies are unknown", {
    expected: `Llama 3's for a factor of ${factor}`,
    found: `others, by a factor of up to ${1 + worst}`,
  });
}

export interface Llama3Scaling {
  readonly factor: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly original_max_position_embeddings: number;
}

/** Llama 3's divisors of the rotary frequencies, in their order (transformers, `_compute_llama3_parameters`). */
export function llama3Factors(theta: number, headDim: number, scaling: Llama3Scaling): number[] {
  const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    const ratio = scaling.original_max_position_embeddings / wavelength;
    if (ratio > high) return 1;
    if (ratio < low) return factor;
    const smooth = (ratio - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
