import { ConfigReader } from "../config-reader.ts";
import { type EncoderConfig, readDropoutRate, readEncoderConfig, readHeadDim } from "../encoder/config.ts";

/** The keys of a BERT or RoBERTa config that change a classifier's outputs. */
export interface BertConfig extends EncoderConfig {
  classifierDropout: number;
}

/** Defaults that differ between transformers' `BertConfig` and `RobertaConfig`. */
interface BertDefaults {
  vocabSize: number;
  padTokenId: number;
}

/**
 * Reads `config.json` of a BERT model; defaults are those of transformers' `BertConfig`. A key that changes the model's
 * outputs is implemented or refused; an unknown key is refused.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseBertConfig(
  values: Readonly<Record<string, unknown>>,
  where: string,
  defaults: BertDefaults = { vocabSize: 30_522, padTokenId: 0 },
): BertConfig {
  const config = new ConfigReader(values, where);
  const encoder = readEncoderConfig(config, {
    ...defaults,
    hiddenSize: 768,
    intermediateSize: 3072,
    layers: 12,
    heads: 12,
    typeVocabSize: 2,
    normEpsilon: 1e-12,
  });
  readHeadDim(config, encoder);
  if (encoder.typeVocabSize < 1) config.addProblem("type_vocab_size: expected at least 1, found 0");
  config.allowOnly("position_embedding_type", ["absolute"], "relative positions");
  config.allowOnly("embedding_size", [encoder.hiddenSize], "embeddings of another width");
  // Google's multilingual configs have them; transformers does not read them.
  for (const key of unusedKeys) config.value(key);
  const result = {
    ...encoder,
    classifierDropout: readDropoutRate(config, "classifier_dropout", encoder.hiddenDropout),
  };
  config.throwIfInvalid();
  return result;
}

/** Keys of a pooler that was never published, and a setting that saves memory only. */
const unusedKeys = [
  "directionality",
  "pooler_fc_size",
  "pooler_num_attention_heads",
  "pooler_num_fc_layers",
  "pooler_size_per_head",
  "pooler_type",
  "gradient_checkpointing",
];
