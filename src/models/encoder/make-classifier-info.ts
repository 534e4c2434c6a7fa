import type { ClassifierInfo } from "../../nn/index.ts";
import type { ClassifierHeadConfig } from "./classifier-family.ts";
import type { EncoderConfig } from "./config.ts";

/** The metadata of a classifier; newly initialised modules count as head modules. */
export function makeClassifierInfo(
  family: string,
  { vocabSize, hiddenSize, layers, typeVocabSize }: EncoderConfig,
  { names, regression, newlyInitialized }: ClassifierHeadConfig,
  own: Pick<ClassifierInfo, "maxPositions" | "dtype" | "headModules">,
): ClassifierInfo {
  const parts = newlyInitialized.map((name) => name.slice(0, name.lastIndexOf(".")));
  const outside = parts.filter((part) => !own.headModules.some((name) => `${part}.`.startsWith(`${name}.`)));
  return {
    family,
    vocabSize,
    hiddenSize,
    layers,
    tokenTypeCount: typeVocabSize,
    ...own,
    labels: names,
    regression,
    newlyInitialized,
    headModules: [...own.headModules, ...new Set(outside)],
  };
}
