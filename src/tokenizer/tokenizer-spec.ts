import type { NormalizationRules } from "./character-normalizer.ts";

/** One component of a `tokenizer.json`, as the `tokenizers` library reads it. */
export type Component = { readonly type: string; readonly [key: string]: unknown };

/** How a token is found in the text, as in `tokenizer.json`. */
export interface TokenFlags {
  /** Matched only as a whole word. */
  single_word: boolean;
  /** Takes the white space to its left / right along. */
  lstrip: boolean;
  rstrip: boolean;
  /** Matched in the normalised text, not in the text as given. */
  normalized: boolean;
  /** Left out when decoding with `skipSpecialTokens`. */
  special: boolean;
}

/** A token that is cut out of the text before the model sees it; without an id it is appended to the vocabulary. */
export interface AddedToken extends TokenFlags {
  content: string;
  id?: number;
}

/** The roles of tokens in `tokenizer_config.json`. */
export const specialTokenRoles = ["bos", "eos", "unk", "pad", "cls", "sep", "mask"] as const;
export type SpecialTokenRole = (typeof specialTokenRoles)[number];

/** What stands before and after every text; roles without a token are left out. */
export interface TokenTemplate {
  readonly before: readonly SpecialTokenRole[];
  readonly after: readonly SpecialTokenRole[];
  /** How the second text of a pair follows; by default with a frame of its own, as type 1. */
  readonly pair?: PairTemplate;
}

/** The second text of a pair: what stands before it, and its type. The frame's `after` ends it too. */
export interface PairTemplate {
  readonly before: readonly SpecialTokenRole[];
  readonly typeId: 0 | 1;
}

/** `[CLS] A [SEP] B [SEP]`, B of type 1. */
export const bertTemplate: TokenTemplate = {
  before: ["cls"],
  after: ["sep"],
  pair: { before: [], typeId: 1 },
};

/** `<s> A </s> </s> B </s>`, all of type 0. */
export const robertaTemplate: TokenTemplate = {
  before: ["cls"],
  after: ["sep"],
  pair: { before: ["sep"], typeId: 0 },
};

/** What a source file (SentencePiece model, `vocab.txt`, …) says, before the folder's settings are applied. */
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
  /** Tokens of the roles that the settings do not name. */
  readonly specialTokens: Readonly<Partial<Record<SpecialTokenRole, string>>>;
  /** Whether decoding removes the spaces around punctuation when the settings do not say. */
  readonly cleanUpSpaces: boolean;
  /** What sentencepiece does and the library cannot. */
  readonly sentencePiece?: {
    /** Characters that become others, of a model with a character map. */
    readonly normalization: NormalizationRules | undefined;
    /** Whether tokens of bytes share out the characters of an unknown stretch. */
    readonly byteFallback: boolean;
  };
  /** A frame to build, or the source's own post-processor. */
  readonly template: TokenTemplate | { readonly postProcessor: Component | null };
}

/** Flags of a special token given by its text alone. */
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
