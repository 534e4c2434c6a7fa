import type { NormalizationRules } from "./sentencepiece-normalizer.ts";

/** One component of a `tokenizer.json`, as the `tokenizers` library reads it. */
export type Component = { readonly type: string; readonly [key: string]: unknown };

/** How a token is matched in the text, as in `tokenizer.json`. */
export interface TokenFlags {
  /** Matched only as a whole word. */
  single_word: boolean;
  /** Includes the white space to its left / right. */
  lstrip: boolean;
  rstrip: boolean;
  /** Matched in the normalised text, not in the text as given. */
  normalized: boolean;
  /** Left out when decoding with `skipSpecialTokens`. */
  special: boolean;
}

/** A token that is matched before the model tokenises the text; without an id it is appended to the vocabulary. */
export interface AddedToken extends TokenFlags {
  content: string;
  id?: number;
}

/** The roles of tokens in `tokenizer_config.json`. */
export const specialTokenRoles = ["bos", "eos", "unk", "pad", "cls", "sep", "mask"] as const;
export type SpecialTokenRole = (typeof specialTokenRoles)[number];

/** Special tokens before and after every text; roles without a token are left out. */
export interface TokenTemplate {
  readonly before: readonly SpecialTokenRole[];
  readonly after: readonly SpecialTokenRole[];
  /** Template of the second text of a pair; by default it has the same special tokens, and token type 1. */
  readonly pair?: PairTemplate;
}

/** The second text of a pair: special tokens before it, and its token type. The template's `after` ends it too. */
export interface PairTemplate {
  readonly before: readonly SpecialTokenRole[];
  readonly typeId: 0 | 1;
}

/** `[CLS] A [SEP] B [SEP]`, with token type 1 for B. */
export const bertTemplate: TokenTemplate = {
  before: ["cls"],
  after: ["sep"],
  pair: { before: [], typeId: 1 },
};

/** `<s> A </s> </s> B </s>`, with token type 0 for all. */
export const robertaTemplate: TokenTemplate = {
  before: ["cls"],
  after: ["sep"],
  pair: { before: ["sep"], typeId: 0 },
};

/** The content of a source file (SentencePiece model, `vocab.txt`, …), before the folder's settings are applied. */
export interface TokenizerSpec {
  /** The file, for messages. */
  readonly where: string;
  readonly normalizer: Component | null;
  readonly preTokenizer: Component | null;
  readonly decoder: Component | null;
  readonly model: Readonly<Record<string, unknown>>;
  /** The model's own tokens. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly addedTokens: readonly AddedToken[];
  /** Special tokens where the settings do not specify them. */
  readonly specialTokens: Readonly<Partial<Record<SpecialTokenRole, string>>>;
  /** Whether decoding removes the spaces around punctuation, where the settings do not specify it. */
  readonly cleanUpSpaces: boolean;
  /** Steps of sentencepiece that the `tokenizers` library lacks. */
  readonly sentencePiece?: {
    /** Character normalisation, for a model with a character map. */
    readonly normalization: NormalizationRules | undefined;
    /** Whether unknown characters become byte tokens. */
    readonly byteFallback: boolean;
  };
  /** Post-processor template, or the source's own post-processor. */
  readonly template: TokenTemplate | { readonly postProcessor: Component | null };
}

/** Flags of a special token that is specified by its text alone. */
export const specialTokenFlags: Readonly<TokenFlags> = {
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
};

/** A normaliser step that replaces text. */
export function replaceText(from: string, to: string): Component {
  return { type: "Replace", pattern: { String: from }, content: to };
}

/** A normaliser step that replaces what an Oniguruma regular expression matches. */
export function replacePattern(pattern: string, to: string): Component {
  return { type: "Replace", pattern: { Regex: pattern }, content: to };
}
