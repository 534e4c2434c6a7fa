/** A token by its number and its text in the vocabulary. */
export interface SpecialToken {
  readonly id: number;
  readonly content: string;
}

/** The tokens that models and templates name; a tokenizer may lack any of them. */
export interface SpecialTokens {
  readonly bos?: SpecialToken | undefined;
  readonly eos?: SpecialToken | undefined;
  readonly unk?: SpecialToken | undefined;
  readonly pad?: SpecialToken | undefined;
}

export interface Encoding {
  readonly ids: number[];
  /**
   * For each token the `[start, end)` of the input that it stands for, in UTF-16 code units (what `slice` takes);
   * `[0, 0]` for tokens that are not in the input (added at the ends).
   */
  readonly offsets: [number, number][];
}

/** A text, or two that a classifier takes together. */
export type TextOrPair = readonly [text: string, pair?: string];

/** What a classifier is given of a text or a pair. */
export interface PairEncoding {
  readonly ids: number[];
  /** For each token the part of the pair that it belongs to: 0 or 1. */
  readonly tokenTypes: number[];
  /** Whether tokens were cut off. */
  readonly truncated: boolean;
}

export interface EncodeOptions {
  /** Put the tokens around the text that the model expects (default true). */
  addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** Leave special tokens out of the text (default true). */
  skipSpecialTokens?: boolean;
}

/** Text to token numbers and back. */
export interface Tokenizer {
  /** Largest token number + 1, added tokens included. */
  readonly size: number;
  /**
   * Rows that a model for this tokenizer must have; `size` when absent. Fewer where the last tokens are special ones
   * that neither a role nor the chat template uses (Gemma 3 has an image token beyond its text models' rows).
   */
  readonly requiredRows?: number;
  readonly special: SpecialTokens;
  /** The Jinja source of the default chat template. */
  readonly chatTemplate: string | undefined;
  /** Special tokens written in the text become those tokens, as in transformers. */
  encode(text: string, options?: EncodeOptions): Promise<Encoding>;
  /** `encode` for many texts at once. */
  encodeBatch(texts: readonly string[], options?: EncodeOptions): Promise<Encoding[]>;
  /**
   * Texts and pairs with the tokens around them that the model expects, cut to `maxLength` tokens: the longer text of a
   * pair loses its last tokens until both fit (transformers' `truncation: true`).
   * @throws ScaloraError `config` when the tokens around a text leave it no room
   */
  encodePairs(rows: readonly TextOrPair[], maxLength: number): Promise<PairEncoding[]>;
  /**
   * Numbers that no token has are left out (models have more rows than tokenizers have tokens).
   * @throws ScaloraError `data` when an id is not an integer from 0 to 2^32 − 1
   */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): Promise<string>;
  /** The id of a token; undefined where the vocabulary lacks it. */
  idOf(token: string): number | undefined;
}
