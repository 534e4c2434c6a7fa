import { ScaloraError } from "../../util/errors.ts";
import { type BertConfig, parseBertConfig } from "../bert/config.ts";

/**
 * Reads `config.json` of a RoBERTa model; defaults are those of transformers' `RobertaConfig`. The keys are BERT's.
 * @param where location of the config, for messages
 * @throws ScaloraError `model`, naming every problem
 */
export function parseRobertaConfig(values: Readonly<Record<string, unknown>>, where: string): BertConfig {
  const config = parseBertConfig(values, where, { vocabSize: 50_265, padTokenId: 1 });
  if (config.padTokenId >= 0 && config.maxPositionEmbeddings > config.padTokenId + 1) return config;
  throw new ScaloraError("model", "RoBERTa's position ids start after its padding token id", {
    where,
    expected: "pad_token_id, and max_position_embeddings above it",
    found: `${config.padTokenId < 0 ? "no pad_token_id" : `pad_token_id ${config.padTokenId}`}, ${config.maxPositionEmbeddings} positions`,
  });
}

/** The longest sequence: positions are counted from after the padding token's id. */
export const usablePositions = ({ maxPositionEmbeddings, padTokenId }: BertConfig): number =>
  maxPositionEmbeddings - padTokenId - 1;
