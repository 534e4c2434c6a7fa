import type { ClassifierFamily } from "../encoder/classifier-family.ts";
import { parseRobertaConfig, usablePositions } from "./config.ts";
import { RobertaForSequenceClassification } from "./model.ts";

/** `model_type: roberta`. */
export const roberta: ClassifierFamily = {
  headDropoutKey: "classifier_dropout",
  parse(values, where) {
    const config = parseRobertaConfig(values, where);
    return {
      architecture: "RobertaForSequenceClassification",
      baseModelPrefix: "roberta.",
      labels: config.labels,
      maxPositions: usablePositions(config),
      typeVocabSize: config.typeVocabSize,
      initializerRange: config.initializerRange,
      headWeights: /^classifier\./,
      ignoredWeights: /^lm_head\.|^(roberta\.)?pooler\.|embeddings\.position_ids$/,
      build: (source, task) => new RobertaForSequenceClassification(source, config, task),
    };
  },
};
