import type { ClassifierLabels } from "../data/index.ts";
import { isClassifier, type TrainableModel } from "../nn/index.ts";

/** The class names of a classifier, as options for loading its data; empty for other models. */
export function classesOf(model: TrainableModel): { classes?: ClassifierLabels } {
  if (!isClassifier(model)) return {};
  const { labels, regression, tokenTypeCount } = model.info;
  return { classes: { labels, regression, typeVocabSize: tokenTypeCount } };
}
