import type { ClassifierInfo } from "../../nn/index.ts";
import type { ClassifierHeadConfig } from "./classifier-family.ts";
import type { EncoderConfig } from "./config.ts";

/** Puts together what the rest of the project asks of a classifier; parts with a random start belong to its head. */
export function classifierInfo(
  family: string,
  { vocabSize, hiddenSize, layers, typeVocabSize }: EncoderConfig,
  { names, regression, newlyInitialized }: ClassifierHeadConfig,
  own: Pick<ClassifierInfo, "maxPositions" | "dtype" | "headModules">,
): ClassifierInfo {
  const parts = newlyInitialized.map((name) => name.slice(0, name.lastIndexOf(".")));
  const outside = parts.filter((part) => !own.headModules.some((name) => `${part}.`.startsWith(`${name}.`)));
  return {
    ...{ family, vocabSize, hiddenSize, layers, tokenTypeCount: typeVocabSize, ...own },
    ...{ labels: names, regression, newlyInitialized },
    headModules: [...own.headModules, ...new Set(outside)],
  };
}
