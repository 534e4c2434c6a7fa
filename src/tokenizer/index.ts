export { checkVocabulary } from "./check-vocabulary.ts";
export { readTokenizerFolder, type TokenizerSource } from "./read-tokenizer.ts";
export type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  PairEncoding,
  SpecialToken,
  SpecialTokens,
  TextOrPair,
  Tokenizer,
} from "./tokenizer.ts";
export { readTokenizerSettings } from "./tokenizer-settings.ts";
export { buildTokenizer } from "./tokenizers-backend.ts";
