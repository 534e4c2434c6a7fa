import { malformed } from "./malformed.js";
import type { Metadata } from "./metadata.js";

/** `rope_scaling` of a config; null without one. */
export type RopeScaling = Readonly<Record<string, unknown>> | null;

/**
 * How the file stretches rotary positions, as `rope_scaling` of a Hugging Face config.
 * @param factors what each frequency is divided by, where the file holds that (Llama 3)
 * @throws ScaloraError `format` for kinds that the config cannot say
 */
export function readRopeScaling(
  metadata: Metadata,
  prefix: string,
  theta: number,
  factors: readonly number[] | undefined,
): RopeScaling {
  if (factors !== undefined) return llama3Scaling(metadata.path, theta, factors);
  const key = `${prefix}.rope.scaling.type`;
  const type = metadata.text(key) ?? "none";
  const factor = metadata.number(`${prefix}.rope.scaling.factor`);
  if (type === "none") return null;
  if (type === "linear" && factor !== undefined) return { rope_type: "linear", factor };
  if (type === "yarn" && factor !== undefined)
    return { rope_type: "yarn", factor, ...yarn(metadata, prefix) };
  throw metadata.wrong(key, "none, or linear or yarn with a factor", type);
}

/** Keys of the format for YaRN, and those of the config. */
const yarnKeys: readonly (readonly [string, string])[] = [
  ["original_context_length", "original_max_position_embeddings"],
  ["yarn_attn_factor", "attention_factor"],
  ["yarn_beta_fast", "beta_fast"],
  ["yarn_beta_slow", "beta_slow"],
];

function yarn(metadata: Metadata, prefix: string): Record<string, number> {
  const found = yarnKeys.flatMap(([stored, key]) => {
    const value = metadata.number(`${prefix}.rope.scaling.${stored}`);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}

/** The one set of bounds that Llama 3.1, 3.2 and 3.3 were published with; only the factor differs. */
const llama3Bounds = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

function llama3Scaling(path: string, theta: number, factors: readonly number[]): RopeScaling {
  const factor = Math.max(...factors);
  const scaling = { rope_type: "llama3", factor, ...llama3Bounds };
  const expected = llama3Factors(theta, factors.length * 2, scaling);
  const worst = Math.max(...expected.map((value, i) => Math.abs(value / factors[i] - 1)));
  if (worst < 1e-4) return scaling;
  throw malformed(`${path}, tensor "rope_freqs.weight"`, "The rotary frequencies are no known ones", {
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

/** What Llama 3 divides each rotary frequency by, in the order of the frequencies (transformers, `_compute_llama3_parameters`). */
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
