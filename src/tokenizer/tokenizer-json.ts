import { z } from "zod";
import { readJson, tokenizerFormatError } from "./tokenizer-files.ts";
import type { TokenizerSettings } from "./tokenizer-settings.ts";
import type { Component, SpecialTokenRole, TokenizerSpec } from "./tokenizer-spec.ts";

const component = z.looseObject({ type: z.string() });
const addedToken = z.object({
  id: z.int().nonnegative(),
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(true),
  special: z.boolean().default(false),
});

/** The parts that are read here; the `tokenizers` library checks the rest. */
const schema = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: component.nullish(),
  pre_tokenizer: component.nullish(),
  post_processor: component.nullish(),
  decoder: component.nullish(),
  // Old files omit the model's type; the library infers it from the keys.
  model: z.custom<Record<string, unknown>>(isObject, "an object"),
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Classes whose post-processor transformers 4 rebuilds from `add_bos_token` and `add_eos_token`. */
const rebuiltTemplateClasses: ReadonlySet<string> = new Set([
  "LlamaTokenizer",
  "CodeLlamaTokenizer",
  "GemmaTokenizer",
]);

/**
 * A folder's `tokenizer.json`, without its truncation and padding, which the caller decides.
 * @throws ScaloraError `format` when it is malformed
 */
export function readTokenizerJson(path: string, settings: TokenizerSettings): TokenizerSpec {
  const file = readJson(path, schema);
  const vocabulary = readVocabulary(path, file.model);
  return {
    where: path,
    normalizer: file.normalizer ?? null,
    preTokenizer: file.pre_tokenizer ?? null,
    decoder: file.decoder ?? null,
    model: file.model,
    vocabulary,
    addedTokens: file.added_tokens,
    specialTokens: unknownRole(file.model, vocabulary),
    cleanUpSpaces: false,
    template: readTemplate(settings, file.post_processor ?? null),
  };
}

function readVocabulary(path: string, model: Readonly<Record<string, unknown>>): Map<string, number> {
  const { vocab } = model;
  if (Array.isArray(vocab)) return scoredVocabulary(path, vocab);
  if (!isObject(vocab)) throw tokenizerFormatError(path, "model.vocab", `${vocab}`);
  const result = new Map<string, number>();
  const tokens = new Map<number, string>();
  for (const [token, id] of Object.entries(vocab)) {
    const where = () => `${path}: model.vocab[${JSON.stringify(token)}]`;
    if (!isTokenId(id)) throw tokenizerFormatError(where(), "a token id", JSON.stringify(id));
    const before = tokens.get(id);
    if (before !== undefined)
      throw tokenizerFormatError(where(), "a unique token id", `${id}, as ${JSON.stringify(before)}`);
    tokens.set(id, token);
    result.set(token, id);
  }
  return result;
}

/** Vocabulary of a Unigram model: pairs of text and score; the index is the token id. */
function scoredVocabulary(path: string, vocab: readonly unknown[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const [id, entry] of vocab.entries()) {
    const text: unknown = Array.isArray(entry) ? entry[0] : undefined;
    if (typeof text !== "string")
      throw tokenizerFormatError(`${path}: model.vocab[${id}]`, "[text, score]", JSON.stringify(entry));
    result.set(text, id);
  }
  return result;
}

/** Whether a value can be the row index of an embedding; the library would accept any 32-bit number. */
function isTokenId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 1 << 30;
}

function unknownRole(
  model: Readonly<Record<string, unknown>>,
  vocabulary: ReadonlyMap<string, number>,
): Partial<Record<SpecialTokenRole, string>> {
  const { unk_token: token, unk_id: id } = model;
  if (typeof token === "string" && vocabulary.has(token)) return { unk: token };
  if (typeof id !== "number") return {};
  const found = [...vocabulary].find(([, number]) => number === id);
  return found === undefined ? {} : { unk: found[0] };
}

function readTemplate(
  { tokenizerClass, addBos, addEos }: TokenizerSettings,
  postProcessor: Component | null,
): TokenizerSpec["template"] {
  const rebuilt = tokenizerClass !== undefined && rebuiltTemplateClasses.has(tokenizerClass);
  if (rebuilt && (addBos !== undefined || addEos !== undefined)) return { before: ["bos"], after: [] };
  return { postProcessor };
}
