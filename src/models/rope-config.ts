import type { RopeParameters, RopeShape } from "../nn/index.ts";
import { ConfigReader } from "./config-reader.ts";
import type { LayerType } from "./decoder/read-config.ts";

/**
 * Reads rotary embeddings from a config, in the layout of transformers 5 (`rope_parameters`) or the older one (`rope_theta`
 * and `rope_scaling`), with transformers' precedence and defaults.
 */
export function readRope(config: ConfigReader, where: string, shape: RopeShape): RopeParameters {
  const outer = { theta: config.number("rope_theta", 1, 10_000), ...readTopLevelRope(config) };
  const scaling = config.object("rope_scaling");
  const parameters = config.object("rope_parameters");
  // A non-empty `rope_scaling` takes precedence over `rope_parameters`, as in transformers.
  const chosen = scaling !== undefined && Object.keys(scaling).length > 0 ? scaling : (parameters ?? {});
  return readRopeParameters(
    chosen,
    `${where}, ${chosen === scaling ? "rope_scaling" : "rope_parameters"}`,
    shape,
    outer,
  );
}

/**
 * Reads rotary embeddings that differ between full-attention and sliding-window layers (Gemma 3): a dictionary for each in
 * `rope_parameters`, or the older layout, with `rope_scaling` and `rope_theta` for full-attention layers and
 * `rope_local_base_freq` for sliding-window ones.
 */
export function readRopesByLayerType(
  config: ConfigReader,
  where: string,
  shape: RopeShape,
): Readonly<Record<LayerType, RopeParameters>> {
  const fullTheta = config.number("rope_theta", 1, 1_000_000);
  const slidingTheta = config.number("rope_local_base_freq", 1, 10_000);
  const rest = readTopLevelRope(config);
  const place = `${where}, rope_parameters`;
  const parameters = new ConfigReader(config.object("rope_parameters") ?? {}, place, []);
  const full = { ...parameters.object("full_attention"), ...config.object("rope_scaling") };
  const sliding = parameters.object("sliding_attention") ?? {};
  parameters.throwIfInvalid();
  return {
    full_attention: readRopeParameters(full, `${place}.full_attention`, shape, { theta: fullTheta, ...rest }),
    sliding_attention: readRopeParameters(sliding, `${place}.sliding_attention`, shape, {
      theta: slidingTheta,
      ...rest,
    }),
  };
}

/** Keys outside the rope dictionary. */
interface TopLevelRope {
  theta: number;
  originalMaxPositions: number | undefined;
}

function readTopLevelRope(config: ConfigReader): Omit<TopLevelRope, "theta"> {
  config.allowOnly("partial_rotary_factor", [1], "rotation of a part of each head");
  return { originalMaxPositions: config.positiveIntegerOrNull("original_max_position_embeddings") };
}

function readRopeParameters(
  values: Readonly<Record<string, unknown>>,
  where: string,
  shape: RopeShape,
  outer: TopLevelRope,
): RopeParameters {
  const rope = new ConfigReader(values, where, []);
  const legacyType = rope.string("type", "default");
  const type = rope.string("rope_type", legacyType);
  const theta = rope.number("rope_theta", 1, outer.theta);
  rope.allowOnly("partial_rotary_factor", [1], "rotation of a part of each head");
  const result = readType(rope, type, theta, shape, outer.originalMaxPositions);
  rope.throwIfInvalid();
  return result;
}

function readType(
  rope: ConfigReader,
  type: string,
  theta: number,
  shape: RopeShape,
  outerOriginal: number | undefined,
): RopeParameters {
  switch (type) {
    case "default":
      return { type, theta };
    case "linear":
    case "dynamic":
      return { type, theta, factor: rope.number("factor", 1) };
    case "llama3":
      return readLlama3(rope, theta, shape, outerOriginal);
    case "yarn":
      return readYarn(rope, theta, shape, outerOriginal);
    case "longrope":
      return readLongrope(rope, theta, shape, outerOriginal);
    default:
      rope.addProblem(
        `rope_type: expected default, linear, dynamic, llama3, yarn or longrope, found ${JSON.stringify(type)}`,
      );
      return { type: "default", theta };
  }
}

function readLlama3(
  rope: ConfigReader,
  theta: number,
  shape: RopeShape,
  outerOriginal: number | undefined,
): RopeParameters {
  const low = rope.number("low_freq_factor", 0);
  const high = rope.number("high_freq_factor", 0);
  if (high <= low)
    rope.addProblem(`high_freq_factor: expected more than low_freq_factor (${low}), found ${high}`);
  return {
    type: "llama3",
    theta,
    factor: rope.number("factor", 1),
    lowFrequencyFactor: low,
    highFrequencyFactor: high,
    originalMaxPositions: readOriginalMaxPositions(rope, shape, outerOriginal),
  };
}

function readYarn(
  rope: ConfigReader,
  theta: number,
  shape: RopeShape,
  outerOriginal: number | undefined,
): RopeParameters {
  const originalMaxPositions = readOriginalMaxPositions(rope, shape, outerOriginal);
  return {
    type: "yarn",
    theta,
    factor: rope.number("factor", 1, shape.maxPositions / originalMaxPositions),
    // 0 means the default here, as in transformers.
    betaFast: rope.number("beta_fast", 0, 32) || 32,
    betaSlow: rope.number("beta_slow", 0, 1) || 1,
    truncate: rope.boolean("truncate", true),
    originalMaxPositions,
    ...optional(rope, "attention_factor", "attentionFactor"),
    ...optional(rope, "mscale", "mscale"),
    ...optional(rope, "mscale_all_dim", "mscaleAllDim"),
  };
}

function readLongrope(
  rope: ConfigReader,
  theta: number,
  shape: RopeShape,
  outerOriginal: number | undefined,
): RopeParameters {
  const originalMaxPositions = readOriginalMaxPositions(rope, shape, outerOriginal);
  return {
    type: "longrope",
    theta,
    factor: rope.number("factor", 0, shape.maxPositions / originalMaxPositions),
    shortFactor: rope.numbers("short_factor", shape.headDim / 2),
    longFactor: rope.numbers("long_factor", shape.headDim / 2),
    originalMaxPositions,
    ...optional(rope, "attention_factor", "attentionFactor"),
  };
}

/** The trained context length: the value outside the rope dictionary, else the dictionary's, else the model's maximum. */
function readOriginalMaxPositions(rope: ConfigReader, shape: RopeShape, outer: number | undefined): number {
  const inner = rope.positiveInteger("original_max_position_embeddings", shape.maxPositions);
  return outer ?? inner;
}

/** A number under its key, or an empty object where the config lacks it. */
function optional<Name extends string>(
  rope: ConfigReader,
  key: string,
  name: Name,
): Partial<Record<Name, number>> {
  const found: Partial<Record<string, number>> =
    rope.value(key) === undefined ? {} : { [name]: rope.number(key, 0) };
  return found;
}
