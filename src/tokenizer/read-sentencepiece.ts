import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { validateCharsmap } from "./charsmap.ts";
import { mergesFromScores } from "./merges-from-scores.ts";
import { type Piece, readSentencePieceModel, type SentencePieceModel } from "./sentencepiece-model.ts";
import { escapeRegExp, type NormalizationRules, nonSpecialMarker } from "./sentencepiece-normalizer.ts";
import { tokenizerFormatError } from "./tokenizer-files.ts";
import type { TokenizerSettings } from "./tokenizer-settings.ts";
import {
  type AddedToken,
  bertTemplate,
  type Component,
  replacePattern,
  replaceText,
  type SpecialTokenRole,
  specialTokenFlags,
  type TokenizerSpec,
  type TokenTemplate,
} from "./tokenizer-spec.ts";

/** Settings of a tokenizer class that the model file lacks. Classes with other token ids than the model's are refused. */
interface SentencePieceClass {
  readonly template?: TokenTemplate;
  readonly roles?: Partial<Record<SpecialTokenRole, string>>;
  readonly extraIds?: boolean;
  readonly lowerCase?: boolean;
}

const t5Template: TokenTemplate = { before: [], after: ["eos"], pair: { before: [], typeId: 0 } };

const supportedClasses: ReadonlyMap<string, SentencePieceClass> = new Map<string, SentencePieceClass>([
  ["LlamaTokenizer", { template: { before: ["bos"], after: [] } }],
  ["CodeLlamaTokenizer", { template: { before: ["bos"], after: [] } }],
  ["GemmaTokenizer", { template: { before: ["bos"], after: [] } }],
  ["T5Tokenizer", { template: t5Template, extraIds: true }],
  [
    "DebertaV2Tokenizer",
    {
      template: bertTemplate,
      roles: { bos: "[CLS]", eos: "[SEP]", cls: "[CLS]", sep: "[SEP]", mask: "[MASK]", pad: "[PAD]" },
      lowerCase: true,
    },
  ],
]);

/**
 * A SentencePiece model as components of the `tokenizers` library. The reference for plain text is the sentencepiece
 * library; control pieces written in the text become tokens, as in transformers, and start a new text after them.
 * @throws ScaloraError `format` when the file or the class of the folder is not supported
 */
export function readSentencePieceTokenizer(path: string, settings: TokenizerSettings): TokenizerSpec {
  const model = readSentencePieceModel(path);
  const rules = classRules(settings);
  const vocabulary = new Map(model.pieces.map(({ text }, id) => [text, id]));
  const roles = { ...specialPieces(model), ...rules.roles };
  const lowerCase = rules.lowerCase === true && settings.options.do_lower_case === true;
  const parts = sentencePieceComponents(path, model, { settings, lowerCase });
  return {
    ...parts,
    where: path,
    vocabulary,
    addedTokens: [...parts.addedTokens, ...(rules.extraIds ? sentinelTokens(settings, vocabulary) : [])],
    specialTokens: roles,
    cleanUpSpaces: false,
    template: rules.template ?? defaultTemplate(roles),
  };
}

/** A SentencePiece model without the names of its special pieces. */
type SentencePieceCore = Omit<SentencePieceModel, "roles">;

/** The `tokenizers` components of a SentencePiece model. */
export function sentencePieceComponents(
  where: string,
  model: SentencePieceCore,
  { settings, lowerCase = false }: { settings?: TokenizerSettings; lowerCase?: boolean } = {},
): Pick<
  TokenizerSpec,
  "sentencePiece" | "normalizer" | "preTokenizer" | "decoder" | "model" | "addedTokens"
> {
  const prefix = dummyPrefix(model, settings);
  return {
    sentencePiece: {
      normalization: normalizationRules(where, model, lowerCase),
      byteFallback: model.byteFallback,
    },
    normalizer: buildNormalizer(model, prefix, lowerCase),
    preTokenizer: buildPreTokenizer(model, prefix),
    decoder: buildDecoder(model, prefix),
    model: modelComponent(where, model),
    addedTokens: addedPieces(model),
  };
}

function classRules(settings: TokenizerSettings): SentencePieceClass {
  if (settings.options.split_by_punct) throw unsupportedKey(settings, "split_by_punct: true");
  const name = settings.tokenizerClass;
  if (name === undefined) return {};
  const rules = supportedClasses.get(name);
  if (rules !== undefined) return rules;
  throw new ScaloraError("format", "This tokenizer class needs a tokenizer.json", {
    where: settings.where,
    expected: `${[...supportedClasses.keys()].join(", ")}, or no tokenizer_class`,
    found: name,
    fix: "load the tokenizer with transformers, save it, and copy its tokenizer.json into the folder",
  });
}

function unsupportedKey(settings: TokenizerSettings, found: string): ScaloraError {
  return new ScaloraError("format", "The tokenizer settings need a tokenizer.json", {
    where: settings.where,
    found,
  });
}

/** The special tokens that the model file specifies. */
function specialPieces(model: SentencePieceModel): Partial<Record<SpecialTokenRole, string>> {
  const controls = new Set(model.pieces.filter(({ kind }) => kind === "control").map(({ text }) => text));
  const result: Partial<Record<SpecialTokenRole, string>> = {};
  for (const role of ["bos", "eos", "pad"] as const) {
    if (controls.has(model.roles[role])) result[role] = model.roles[role];
  }
  if (controls.has("[CLS]") && controls.has("[SEP]")) Object.assign(result, { cls: "[CLS]", sep: "[SEP]" });
  const unknown = model.pieces.find(({ kind }) => kind === "unknown");
  return { ...result, ...(unknown && { unk: unknown.text }) };
}

/** Template without a tokenizer class: BERT's where its pieces exist, else T5's (no BOS) or Llama's (BOS). */
function defaultTemplate(roles: Partial<Record<SpecialTokenRole, string>>): TokenTemplate {
  if (roles.cls !== undefined) return bertTemplate;
  return roles.bos === undefined ? t5Template : { before: ["bos"], after: [] };
}

/**
 * The dummy prefix ▁. `text`: at the start of every text, also after a control piece, as in sentencepiece; `first`: only at
 * the start of the input (`legacy: false`), and not before a space.
 */
type DummyPrefix = "none" | "text" | "first";

function dummyPrefix(model: SentencePieceCore, settings: TokenizerSettings | undefined): DummyPrefix {
  if (!model.addDummyPrefix || settings?.options.add_prefix_space === false) return "none";
  return settings?.options.legacy === false ? "first" : "text";
}

function normalizationRules(
  where: string,
  { charsmap, pieces }: SentencePieceCore,
  lowerCase: boolean,
): NormalizationRules | undefined {
  if (charsmap.length === 0) return undefined;
  const fault = validateCharsmap(charsmap);
  if (fault !== undefined) throw tokenizerFormatError(where, "a valid precompiled_charsmap", fault);
  return { charsmap, lowerCase, protectedPieces: userDefinedPieces(pieces) };
}

function userDefinedPieces(pieces: readonly Piece[]): string[] {
  return pieces.filter(({ kind }) => kind === "userDefined").map(({ text }) => text);
}

function buildNormalizer(
  model: SentencePieceCore,
  prefix: DummyPrefix,
  lowerCase: boolean,
): Component | null {
  const steps: Component[] = [];
  if (model.charsmap.length > 0) steps.push(replaceText(nonSpecialMarker, ""));
  else if (lowerCase) steps.push({ type: "Lowercase" });
  const trims = model.removeExtraWhitespaces;
  if (trims) steps.push(replacePattern("\\A +", ""), replacePattern(" {2,}", " "));
  if (prefix === "text") steps.push(replacePattern(textStartPattern(model.pieces), "▁"));
  steps.push(replaceText(" ", "▁"));
  if (trims) steps.push(replacePattern("▁+\\z", ""));
  return { type: "Sequence", normalizers: steps };
}

/**
 * Matches the start of a non-empty text. The library also normalises user-defined pieces by these steps, to match them in
 * normalised text; they get no prefix, and neither does a text that is only one of them.
 */
function textStartPattern(pieces: readonly Piece[]): string {
  const whole = userDefinedPieces(pieces).map(escapeRegExp);
  const exception = whole.length > 0 ? `(?!(?:${whole.join("|")})\\z)` : "";
  return `\\A${exception}(?=[\\s\\S])`;
}

function buildPreTokenizer(model: SentencePieceCore, prefix: DummyPrefix): Component | null {
  const steps: Component[] = [];
  if (prefix === "first") {
    steps.push({ type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false });
  }
  // The library's Unigram would match the text <0x0A> as the byte piece of that name, so split it.
  if (model.kind === "unigram" && model.byteFallback) {
    const inside = "(?<=<)(?=0x[0-9A-F]{2}>)";
    steps.push({ type: "Split", pattern: { Regex: inside }, behavior: "Isolated", invert: false });
  }
  return steps.length > 0 ? { type: "Sequence", pretokenizers: steps } : null;
}

/** More leading spaces than any text has. */
const everySpace = 2 ** 31 - 1;

function buildDecoder(model: SentencePieceCore, prefix: DummyPrefix): Component {
  const steps: Component[] = [replaceText("▁", " "), { type: "ByteFallback" }, { type: "Fuse" }];
  const leading = model.removeExtraWhitespaces ? everySpace : prefix === "none" ? 0 : 1;
  if (leading > 0) steps.push({ type: "Strip", content: " ", start: leading, stop: 0 });
  return { type: "Sequence", decoders: steps };
}

function modelComponent(where: string, model: SentencePieceCore): Component {
  const unknown = model.pieces.findIndex(({ kind }) => kind === "unknown");
  const common = { byte_fallback: model.byteFallback };
  if (model.kind === "unigram") {
    const vocab = model.pieces.map(({ text, score }) => [text, score]);
    return { type: "Unigram", unk_id: unknown, vocab, ...common };
  }
  return {
    type: "BPE",
    dropout: null,
    unk_token: elementAt(model.pieces, unknown).text,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    ignore_merges: false,
    vocab: Object.fromEntries(model.pieces.map(({ text }, id) => [text, id])),
    merges: mergesFromScores(where, model.pieces),
    ...common,
  };
}

/** Added tokens: control pieces are special and matched in the text as given; user-defined ones in the normalised text. */
function addedPieces(model: SentencePieceCore): AddedToken[] {
  const result: AddedToken[] = [];
  for (const [id, { text: content, kind }] of model.pieces.entries()) {
    if (kind === "control") result.push({ id, content, ...specialTokenFlags });
    if (kind === "userDefined") {
      result.push({
        id,
        content,
        ...specialTokenFlags,
        special: false,
        normalized: survivesNormalizer(model, content),
      });
    }
  }
  return result;
}

/** Whether normalisation certainly does not empty a user-defined piece. */
function survivesNormalizer(model: SentencePieceCore, content: string): boolean {
  return !(model.removeExtraWhitespaces && /^[ ▁]/.test(content));
}

/** T5's sentinel tokens, in descending order: `<extra_id_0>` is the last. */
function sentinelTokens(
  { options }: TokenizerSettings,
  vocabulary: ReadonlyMap<string, number>,
): AddedToken[] {
  const count = options.extra_ids ?? 100;
  const names = Array.from({ length: count }, (_, i) => `<extra_id_${count - 1 - i}>`);
  return names.map((content, i) => ({
    content,
    ...specialTokenFlags,
    id: vocabulary.get(content) ?? vocabulary.size + i,
  }));
}
