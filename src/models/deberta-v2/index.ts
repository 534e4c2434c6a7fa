import type { ClassifierFamily } from "../encoder/classifier-family.ts";
import { parseDebertaConfig } from "./config.ts";
import { DebertaV2ForSequenceClassification } from "./model.ts";

/** `model_type: deberta-v2`, which DeBERTa-v3 has too. */
export const debertaV2: ClassifierFamily = {
  headDropoutKey: "cls_dropout",
  parse(values, where) {
    const config = parseDebertaConfig(values, where);
    return {
      architecture: "DebertaV2ForSequenceClassification",
      baseModelPrefix: "deberta.",
      labels: config.labels,
      initializerRange: config.initializerRange,
      headWeights: /^(pooler|classifier)\./,
      // Files of v3 hold positions that position_biased_input: false leaves unused, and heads of two pretraining tasks.
      ignoredWeights:
        /^(lm_predictions|mask_predictions|cls)\.|embeddings\.position_(ids|embeddings\.weight)$/,
      build: (source, task) => new DebertaV2ForSequenceClassification(source, config, task),
    };
  },
};
