import type { ClassifierFamily } from "../encoder/classifier-family.ts";
import { parseDebertaConfig } from "./config.ts";
import { DebertaV2ForSequenceClassification } from "./model.ts";

/** `model_type: deberta-v2`, of DeBERTa-v2 and -v3. */
export const debertaV2: ClassifierFamily = {
  headDropoutKey: "cls_dropout",
  parse(values, where) {
    const config = parseDebertaConfig(values, where);
    return {
      architecture: "DebertaV2ForSequenceClassification",
      baseModelPrefix: "deberta.",
      labels: config.labels,
      maxPositions: config.maxPositionEmbeddings,
      typeVocabSize: config.typeVocabSize,
      initializerRange: config.initializerRange,
      headWeights: /^(pooler|classifier)\./,
      // Files of v3 also hold position embeddings, unused with position_biased_input: false, and two pretraining heads.
      ignoredWeights:
        /^(lm_predictions|mask_predictions|cls)\.|embeddings\.position_(ids|embeddings\.weight)$/,
      build: (source, task) => new DebertaV2ForSequenceClassification(source, config, task),
    };
  },
};
