import type { ClassifierFamily } from "../encoder/family.js";
import { parseRobertaConfig } from "./config.js";
import { RobertaForSequenceClassification } from "./model.js";

/** `model_type: roberta`. */
export const roberta: ClassifierFamily = {
  headDropout: "classifier_dropout",
  parse(values, where) {
    const config = parseRobertaConfig(values, where);
    return {
      architecture: "RobertaForSequenceClassification",
      prefix: "roberta.",
      labels: config.labels,
      initializerRange: config.initializerRange,
      headWeights: /^classifier\./,
      ignoredWeights: /^lm_head\.|^(roberta\.)?pooler\.|embeddings\.position_ids$/,
      build: (source, task) => new RobertaForSequenceClassification(source, config, task),
    };
  },
};
