import type { ClassifierFamily } from "../encoder/classifier-family.ts";
import { parseBertConfig } from "./config.ts";
import { BertForSequenceClassification } from "./model.ts";

/** `model_type: bert`. */
export const bert: ClassifierFamily = {
  headDropoutKey: "classifier_dropout",
  parse(values, where) {
    const config = parseBertConfig(values, where);
    return {
      architecture: "BertForSequenceClassification",
      baseModelPrefix: "bert.",
      labels: config.labels,
      maxPositions: config.maxPositionEmbeddings,
      typeVocabSize: config.typeVocabSize,
      initializerRange: config.initializerRange,
      headWeights: /^(classifier|bert\.pooler)\./,
      ignoredWeights: /^cls\.|embeddings\.position_ids$/,
      build: (source, task) => new BertForSequenceClassification(source, config, task),
    };
  },
};
