export { checkVocabulary } from "./check-vocabulary.ts";
export { readTokenizerFolder, type TokenizerSource } from "./read-tokenizer.ts";
export { buildTokenizer } from "./tokenizers-backend.ts";
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
