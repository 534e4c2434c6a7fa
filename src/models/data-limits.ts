import { configLocation, readModelConfig } from "../model-files/model-config.ts";
import { isClassifierConfig, parseClassifierConfig } from "./classifier-families.ts";
import { parseConfig } from "./families.ts";
import { resolveLabels } from "./load-classifier.ts";

/** What data must fit to be used with a model. */
export interface ModelDataLimits {
  /** Longest sequence, in tokens. */
  readonly maxLength: number;
  /** Classes and token types of an encoder, which is used as a classifier. */
  readonly classes?: {
    readonly labels: readonly string[];
    readonly regression: boolean;
    readonly typeVocabSize: number;
  };
}

/**
 * Reads from a model's config what its data must fit, without loading weights.
 * @param labels of an encoder, as for `loadClassifier`
 * @throws ScaloraError `model` or `format`; `config` for invalid labels
 */
export function readDataLimits(folder: string, labels?: number | readonly string[]): ModelDataLimits {
  const [config, where] = [readModelConfig(folder), configLocation(folder)];
  if (!isClassifierConfig(config)) return { maxLength: parseConfig(config, where).maxPositions };
  const { maxPositions, typeVocabSize, labels: own } = parseClassifierConfig(config, where);
  const { names, regression } = resolveLabels(own, labels);
  return { maxLength: maxPositions, classes: { labels: names, regression, typeVocabSize } };
}
