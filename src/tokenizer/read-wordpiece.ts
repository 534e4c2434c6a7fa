import { ScaloraError } from "../util/errors.ts";
import { readText, tokenizerFormatError } from "./tokenizer-files.ts";
import type { TokenizerSettings } from "./tokenizer-settings.ts";
import { bertTemplate, type TokenizerSpec } from "./tokenizer-spec.ts";

const defaultSpecialTokens = { pad: "[PAD]", cls: "[CLS]", sep: "[SEP]", mask: "[MASK]" };
const supportedClasses = ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"];

/**
 * BERT's `vocab.txt` (one token a line, whose index is the token id) as components of the `tokenizers` library.
 * @throws ScaloraError `format` when the file or the class of the folder is not supported
 */
export function readWordPieceTokenizer(path: string, settings: TokenizerSettings): TokenizerSpec {
  const { tokenizerClass, options } = settings;
  if (tokenizerClass !== undefined && !supportedClasses.includes(tokenizerClass)) {
    throw unsupported(settings, tokenizerClass, `${supportedClasses.join(", ")}, or no tokenizer_class`);
  }
  if (options.do_basic_tokenize === false) throw unsupported(settings, "do_basic_tokenize: false", "true");
  const vocabulary = readVocabulary(path);
  const unknown = settings.specialTokens.unk?.content ?? "[UNK]";
  if (!vocabulary.has(unknown))
    throw tokenizerFormatError(path, `the unknown token ${unknown}`, "no such line");
  return {
    where: path,
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: options.tokenize_chinese_chars ?? true,
      strip_accents: options.strip_accents ?? null,
      lowercase: options.do_lower_case ?? true,
    },
    preTokenizer: { type: "BertPreTokenizer" },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary),
    },
    vocabulary,
    addedTokens: [],
    specialTokens: Object.fromEntries(
      Object.entries({ ...defaultSpecialTokens, unk: unknown }).filter(([, token]) => vocabulary.has(token)),
    ),
    cleanUpSpaces: true,
    template: bertTemplate,
  };
}

function unsupported(settings: TokenizerSettings, found: string, expected: string): ScaloraError {
  return new ScaloraError("format", "This tokenizer needs a tokenizer.json", {
    where: settings.where,
    expected,
    found,
    fix: "load the tokenizer with transformers, save it, and copy its tokenizer.json into the folder",
  });
}

/** Reads the vocabulary; a token on two lines gets the id of the later one, as in transformers. */
function readVocabulary(path: string): Map<string, number> {
  const lines = readText(path).split(/\r\n|\n|\r/);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) throw tokenizerFormatError(path, "one token a line", "an empty file");
  return new Map(lines.map((token, id) => [token, id]));
}
