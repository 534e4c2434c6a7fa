import type { JsonObject } from "../util/json-file.ts";
import { bert } from "./bert/family.ts";
import { debertaV2 } from "./deberta-v2/family.ts";
import type { ClassifierFamily, ParsedClassifier } from "./encoder/classifier-family.ts";
import { plainConfig, resolveFamily } from "./model-family.ts";
import { roberta } from "./roberta/family.ts";

/** The families of classifiers by their `model_type`: one line for each. */
const families: ReadonlyMap<string, ClassifierFamily> = new Map([
  ["bert", bert],
  ["roberta", roberta],
  ["deberta-v2", debertaV2],
]);

/** The `model_type`s of encoders. */
export function classifierFamilies(): string[] {
  return [...families.keys()];
}

/** Whether a model folder's config is that of an encoder, for `loadClassifier`. */
export function isClassifierConfig(config: JsonObject): boolean {
  const { model_type: type } = plainConfig(config);
  return typeof type === "string" && families.has(type);
}

/** Reads a classifier's config by its family. @param where the file, for messages @throws ScaloraError `model` */
export function parseClassifierConfig(
  config: JsonObject | Readonly<Record<string, unknown>>,
  where: string,
  headDropout?: number,
): ParsedClassifier {
  const { family, values } = resolveFamily(config, where, families);
  const own = headDropout === undefined ? {} : { [family.headDropoutKey]: headDropout };
  return family.parse({ ...values, ...own }, where);
}
