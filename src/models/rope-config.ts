import type { RopeParameters, RopeShape } from "../nn/index.js";
import { ConfigReader } from "./config-reader.js";

/**
 * Reads rotary embeddings from a config: the layout of transformers 5 (`rope_parameters`) or the older one
 * (`rope_theta` beside `rope_scaling`), with transformers' own precedence and defaults.
 */
export function readRope(config: ConfigReader, where: string, shape: RopeShape): RopeParameters {
  const scaling = config.object("rope_scaling");
  const parameters = config.object("rope_parameters");
  const outerTheta = config.number("rope_theta", 1, 10_000);
  const outerOriginal = optionalCount(config, "original_max_position_embeddings");
  config.only("partial_rotary_factor", [1], "rotation of a part of each head");
  // An older `rope_scaling` that is set takes the place of `rope_parameters`, as in transformers.
  const chosen = scaling !== undefined && Object.keys(scaling).length > 0 ? scaling : (parameters ?? {});
  const rope = new ConfigReader(
    chosen,
    `${where}, ${chosen === scaling ? "rope_scaling" : "rope_parameters"}`,
    [],
  );
  const legacyType = rope.text("type", "default");
  const type = rope.text("rope_type", legacyType);
  const theta = rope.number("rope_theta", 1, outerTheta);
  rope.only("partial_rotary_factor", [1], "rotation of a part of each head");
  const result = readType(rope, type, theta, shape, outerOriginal);
  rope.finish();
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
      rope.fail(
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
  if (high <= low) rope.fail(`high_freq_factor: expected more than low_freq_factor (${low}), found ${high}`);
  return {
    type: "llama3",
    theta,
    factor: rope.number("factor", 1),
    lowFrequencyFactor: low,
    highFrequencyFactor: high,
    originalMaxPositions: originalPositions(rope, shape, outerOriginal),
  };
}

function readYarn(
  rope: ConfigReader,
  theta: number,
  shape: RopeShape,
  outerOriginal: number | undefined,
): RopeParameters {
  const originalMaxPositions = originalPositions(rope, shape, outerOriginal);
  return {
    type: "yarn",
    theta,
    factor: rope.number("factor", 1, shape.maxPositions / originalMaxPositions),
    // 0 means the default here, as in transformers.
    betaFast: rope.number("beta_fast", 0, 32) || 32,
    betaSlow: rope.number("beta_slow", 0, 1) || 1,
    truncate: rope.flag("truncate", true),
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
  const originalMaxPositions = originalPositions(rope, shape, outerOriginal);
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

/** The trained context: a value outside the rope dictionary wins, then the dictionary's, then the model's maximum. */
function originalPositions(rope: ConfigReader, shape: RopeShape, outer: number | undefined): number {
  const inner = rope.count("original_max_position_embeddings", shape.maxPositions);
  return outer ?? inner;
}

function optionalCount(config: ConfigReader, key: string): number | undefined {
  return config.value(key) === undefined ? undefined : config.count(key);
}

/** A number that the result has only where the config has it. */
function optional<Name extends string>(
  rope: ConfigReader,
  key: string,
  name: Name,
): Partial<Record<Name, number>> {
  const found: Partial<Record<string, number>> =
    rope.value(key) === undefined ? {} : { [name]: rope.number(key, 0) };
  return found;
}
