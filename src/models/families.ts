import { plainJson } from "../hub/json.js";
import type { JsonObject, ModelWeights } from "../hub/model-folder.js";
import type { DType } from "../torch/index.js";
import { ScaloraError } from "../util/errors.js";
import { nearest } from "../util/suggest.js";

/** Precision of a model's weights in memory; `auto` takes what the files hold (float16 becomes float32). */
export type LoadDType = "auto" | "float32" | "bfloat16";

/**
 * The family that a config's `model_type` names, and the config as plain values.
 * @param others families of another kind of model, which the message tells apart from unknown ones
 * @throws ScaloraError `model`
 */
export function familyOf<Family>(
  config: JsonObject | Readonly<Record<string, unknown>>,
  where: string,
  families: ReadonlyMap<string, Family>,
  others: readonly string[],
): { family: Family; values: Readonly<Record<string, unknown>> } {
  const values = plainConfig(config);
  const type = values.model_type;
  const family = typeof type === "string" ? families.get(type) : undefined;
  if (family !== undefined) return { family, values };
  const known = [...families.keys()];
  const isOther = typeof type === "string" && others.includes(type);
  const near = typeof type === "string" && !isOther ? nearest(type, [...known, ...others]) : undefined;
  throw new ScaloraError(
    "model",
    isOther ? "This model is of another kind" : "This kind of model is not supported",
    {
      where: `${where}, model_type`,
      expected: known.join(", "),
      found: JSON.stringify(type) ?? "no model_type",
      ...(near === undefined ? {} : { fix: `did you mean ${near}?` }),
    },
  );
}

/** A config as plain values. */
export function plainConfig(
  config: JsonObject | Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (!(config instanceof Map)) return config;
  return Object.fromEntries([...config].map(([key, value]) => [key, plainJson(value)]));
}

/** The one floating dtype of the files; where they mix, the widest. float16 is read as float32, which holds it. */
export function storedDType(weights: ModelWeights): DType {
  const stored = new Set([...weights.names()].map((name) => weights.entry(name).dtype));
  return stored.has("BF16") && !stored.has("F32") && !stored.has("F16") ? "bfloat16" : "float32";
}
