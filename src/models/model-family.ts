import type { GgufDescription } from "../gguf/index.ts";
import type { CausalLM, ParameterSource } from "../nn/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { JsonObject } from "../util/json-file.ts";
import { nearestName } from "../util/nearest-name.ts";
import { toPlainValue } from "../util/strict-json.ts";

/** A family of decoders, as registered in `src/models/families.ts`; each has a folder under `src/models`. */
export interface ModelFamily {
  /** Parses `config.json`. @param where location of the config, for messages */
  parse(config: Readonly<Record<string, unknown>>, where: string): ParsedModel;
  /** The config to save with the weights, where it differs from the one that was read. */
  savedConfig?(config: JsonObject): JsonObject;
}

/** A parsed, valid config. */
export interface ParsedModel {
  tieEmbeddings: boolean;
  /** Longest sequence, in tokens. */
  maxPositions: number;
  /** Standard deviation of newly initialised weights. */
  initializerRange: number;
  /** Tensors in old files that the model does not use, such as stored rotary tables. */
  ignoredWeights: RegExp;
  /** Maps a weight's name in the files to its name in the model, where they differ. */
  rename?(stored: string): string;
  /** The model's GGUF metadata. @throws ScaloraError `usage` for a model that GGUF cannot represent */
  describeForGguf(): GgufDescription;
  /** @param tied whether `lm_head` and the embedding are one tensor */
  build(source: ParameterSource, tied: boolean): CausalLM;
}

/**
 * The family of a config's `model_type`, and the config as plain values.
 * @param others families of another kind of model, and the function that loads them
 * @throws ScaloraError `model`
 */
export function resolveFamily<Family>(
  config: JsonObject | Readonly<Record<string, unknown>>,
  where: string,
  families: ReadonlyMap<string, Family>,
  others?: { readonly names: readonly string[]; readonly load: string },
): { family: Family; values: Readonly<Record<string, unknown>> } {
  const values = plainConfig(config);
  const type = values["model_type"];
  const family = typeof type === "string" ? families.get(type) : undefined;
  if (family !== undefined) return { family, values };
  const known = [...families.keys()];
  const otherNames = others?.names ?? [];
  const isOther = typeof type === "string" && otherNames.includes(type);
  const near =
    typeof type === "string" && !isOther ? nearestName(type, [...known, ...otherNames]) : undefined;
  const otherLoaderHint = others === undefined ? "" : `; with ${others.load}: ${otherNames.join(", ")}`;
  const fix = isOther ? `load it with ${others?.load}` : near && `did you mean ${near}?`;
  throw new ScaloraError(
    "model",
    isOther ? "This model is of another kind" : "This kind of model is not supported",
    {
      where: `${where}, model_type`,
      expected: `${known.join(", ")}${otherLoaderHint}`,
      found: JSON.stringify(type) ?? "no model_type",
      fix,
    },
  );
}

/** A config as plain values. */
export function plainConfig(
  config: JsonObject | Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (!(config instanceof Map)) return config;
  return Object.fromEntries([...config].map(([key, value]) => [key, toPlainValue(value)]));
}
