import { assembleTokenizer } from "./assemble-tokenizer.ts";
import { readTokenizerSource } from "./read-tokenizer.ts";
import { buildTokenizer } from "./tokenizers-backend.ts";
import type { Tokenizer } from "./types.ts";

export { checkVocabulary } from "./check-vocabulary.ts";
export type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  PairEncoding,
  SpecialToken,
  SpecialTokens,
  TextOrPair,
  Tokenizer,
} from "./types.ts";

/**
 * Loads the tokenizer of a GGUF file, or of a Hugging Face model folder: `tokenizer.json`, a SentencePiece model, BERT's `vocab.txt`, or
 * GPT-2's `vocab.json` with `merges.txt`, the first that is there. `tokenizer_config.json`, `special_tokens_map.json`,
 * `added_tokens.json` and `chat_template.jinja` are applied; with `tokenizer.json`, its post-processor wins over
 * `add_bos_token` and `add_eos_token` but in the Llama and Gemma classes.
 * @throws ScaloraError `usage` when there is no tokenizer, `format` when a file is malformed or not supported
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const { spec, settings } = readTokenizerSource(folder);
  return buildTokenizer(spec.where, assembleTokenizer(spec, settings), settings.chatTemplate);
}
