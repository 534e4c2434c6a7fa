import type { ClassifierInfo } from "../../nn/index.ts";
import type { EncoderConfig } from "./config.ts";
import type { ClassifierTask } from "./family.ts";

/** Puts together what the rest of the project asks of a classifier; parts with a random start belong to its head. */
export function classifierInfo(
  family: string,
  { vocabSize, hiddenSize, layers, tokenTypes }: EncoderConfig,
  { names, regression, fresh }: ClassifierTask,
  own: Pick<ClassifierInfo, "maxPositions" | "dtype" | "head">,
): ClassifierInfo {
  const parts = fresh.map((name) => name.slice(0, name.lastIndexOf(".")));
  const outside = parts.filter((part) => !own.head.some((name) => `${part}.`.startsWith(`${name}.`)));
  return {
    ...{ family, vocabSize, hiddenSize, layers, tokenTypes, ...own },
    ...{ labels: names, regression, fresh },
    head: [...own.head, ...new Set(outside)],
  };
}
