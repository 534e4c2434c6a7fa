/** A special token: its id and its text in the vocabulary. */
export interface SpecialToken {
  readonly id: number;
  readonly content: string;
}

/** The special tokens by role; a tokenizer may lack any of them. */
export interface SpecialTokens {
  readonly bos?: SpecialToken | undefined;
  readonly eos?: SpecialToken | undefined;
  readonly unk?: SpecialToken | undefined;
  readonly pad?: SpecialToken | undefined;
}

export interface Encoding {
  readonly ids: number[];
  /**
   * The span `[start, end)` of each token in the input, in UTF-16 code units (as `slice` takes them); `[0, 0]` for special
   * tokens that are not in the input.
   */
  readonly offsets: [number, number][];
}

/** A text, or a pair of texts for a classifier. */
export type TextOrPair = readonly [text: string, pair?: string];

/** A classifier's input from a text or a pair. */
export interface PairEncoding {
  readonly ids: number[];
  /** Token type ids: the text of the pair, 0 or 1, that each token belongs to. */
  readonly tokenTypes: number[];
  /** Whether tokens were truncated. */
  readonly truncated: boolean;
}

export interface EncodeOptions {
  /** Add the model's special tokens before and after the text (default true). */
  addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** Leave special tokens out of the text (default true). */
  skipSpecialTokens?: boolean;
}

/** Converts text to token ids and back. */
export interface Tokenizer {
  /** Largest token id + 1, added tokens included. */
  readonly size: number;
  /**
   * Embedding rows that a model for this tokenizer must have; `size` when absent. Fewer where the last tokens are special ones
   * without a role and not in the chat template (Gemma 3's text models have no row for its image token).
   */
  readonly requiredRows?: number;
  readonly special: SpecialTokens;
  /** The Jinja source of the default chat template. */
  readonly chatTemplate: string | undefined;
  /** The file that holds it, for messages. */
  readonly chatTemplateFile?: string | undefined;
  /** Encodes a text; special tokens written in it become those tokens, as in transformers. */
  encode(text: string, options?: EncodeOptions): Promise<Encoding>;
  /** `encode` for many texts at once. */
  encodeBatch(texts: readonly string[], options?: EncodeOptions): Promise<Encoding[]>;
  /**
   * Encodes texts and pairs with the model's special tokens, truncated to `maxLength` tokens: the longer text of a pair loses
   * its last tokens until both fit (transformers' `truncation=True`).
   * @throws ScaloraError `config` when the special tokens leave no room for a text
   */
  encodePairs(rows: readonly TextOrPair[], maxLength: number): Promise<PairEncoding[]>;
  /**
   * Decodes token ids. Ids without a token are skipped (models have more rows than tokenizers have tokens).
   * @throws ScaloraError `data` when an id is not an integer from 0 to 2^32 − 1
   */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): Promise<string>;
  /** The id of a token; undefined where the vocabulary lacks it. */
  idOf(token: string): number | undefined;
}
