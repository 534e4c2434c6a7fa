import { readEosTokenIds } from "../model-files/read-eos-token-ids.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/**
 * The EOS token ids of a model: those in its folder's config, or else the tokenizer's EOS token.
 * @throws ScaloraError `model` for an entry that is not a token id
 */
export function eosTokenIds(folder: string, tokenizer: Tokenizer): Set<number> {
  const named = readEosTokenIds(folder);
  const { eos } = tokenizer.special;
  return new Set(named.length === 0 && eos ? [eos.id] : named);
}
