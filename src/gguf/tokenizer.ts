import { type AddedToken, type Blueprint, type Role, specialFlags } from "../tokenizer/blueprint.ts";
import { byteLevelComponent, byteLevelModel } from "../tokenizer/byte-level-parts.ts";
import { sentencePieceParts } from "../tokenizer/sentencepiece.ts";
import { type Piece, pieceKinds } from "../tokenizer/sentencepiece-model.ts";
import type { NamedToken, Settings } from "../tokenizer/settings.ts";
import { malformed } from "./malformed.ts";
import type { Metadata } from "./metadata.ts";
import { preTokenizers } from "./pre-tokenizers.ts";
import { isScored, roleTokens } from "./special-tokens.ts";

/** A tokenizer's parts, as a Hugging Face folder's files would say them. */
export interface GgufTokenizer {
  readonly blueprint: Blueprint;
  readonly settings: Settings;
}

/** What both kinds of tokenizers have. */
interface Vocabulary {
  readonly metadata: Metadata;
  /** A token's place is its number. */
  readonly pieces: readonly Piece[];
  readonly roles: Readonly<Partial<Record<Role, string>>>;
}

/**
 * The tokenizer of a GGUF file: byte-level BPE with merges (`gpt2`), or SentencePiece's scored pieces (`llama`).
 * @throws ScaloraError `format` for another kind, a pre-tokenizer that is not known, and lists that do not fit together
 */
export function readTokenizer(metadata: Metadata): GgufTokenizer {
  const key = "tokenizer.ggml.model";
  const model = metadata.text(key);
  if (model === undefined) throw metadata.missing(key);
  if (model !== "gpt2" && model !== "llama")
    throw metadata.wrong(key, "gpt2 (byte-level BPE) or llama (SentencePiece)", model);
  const vocabulary = readVocabulary(metadata);
  return model === "gpt2" ? byteLevel(vocabulary) : sentencePiece(vocabulary);
}

function byteLevel(vocabulary: Vocabulary): GgufTokenizer {
  const { metadata, pieces, roles } = vocabulary;
  const pre = readPreTokenizer(metadata);
  const numbers = numbered(vocabulary);
  const blueprint: Blueprint = {
    where: metadata.path,
    normalizer: pre.normalizer,
    preTokenizer: pre.component,
    decoder: byteLevelComponent(true),
    model: byteLevelModel(numbers, readMerges(metadata, numbers), pre.ignoresMerges),
    vocabulary: numbers,
    added: pieces.flatMap((piece, id) => addedToken(piece, id) ?? []),
    roles,
    cleansUp: false,
    frame: { before: [], after: [] },
  };
  return { blueprint, settings: settingsOf(vocabulary, pre.addsBos) };
}

function sentencePiece(vocabulary: Vocabulary): GgufTokenizer {
  const { metadata, pieces, roles } = vocabulary;
  const parts = sentencePieceParts(metadata.path, {
    kind: "bpe",
    pieces,
    byteFallback: pieces.some(({ kind }) => kind === "byte"),
    charsmap: new Uint8Array(),
    addDummyPrefix: metadata.flag("tokenizer.ggml.add_space_prefix") ?? true,
    removeExtraWhitespaces: metadata.flag("tokenizer.ggml.remove_extra_whitespaces") ?? false,
  });
  const blueprint: Blueprint = {
    ...parts,
    where: metadata.path,
    added: parts.added.map(foundAsWritten),
    vocabulary: numbered(vocabulary),
    roles,
    cleansUp: false,
    frame: { before: [], after: [] },
  };
  return { blueprint, settings: settingsOf(vocabulary, true) };
}

/** Conversion writes the spaces of user-defined pieces as such: they are found in the text as given. */
function foundAsWritten(token: AddedToken): AddedToken {
  return token.content.includes(" ") ? { ...token, normalized: false } : token;
}

function settingsOf({ metadata }: Vocabulary, addsBos: boolean): Settings {
  return {
    where: metadata.path,
    tokenizerClass: undefined,
    roles: {},
    added: [],
    extra: [],
    addBos: metadata.flag("tokenizer.ggml.add_bos_token") ?? addsBos,
    addEos: metadata.flag("tokenizer.ggml.add_eos_token") ?? false,
    chatTemplate: metadata.text("tokenizer.chat_template"),
    keys: {},
  };
}

function readVocabulary(metadata: Metadata): Vocabulary {
  const texts = metadata.strings("tokenizer.ggml.tokens");
  if (texts === undefined) throw metadata.missing("tokenizer.ggml.tokens");
  const types = sameLength(metadata, "tokenizer.ggml.token_type", texts.length);
  const scores = sameLength(metadata, "tokenizer.ggml.scores", texts.length);
  const pieces = texts.map((text, id): Piece => {
    const kind = pieceKinds[types?.[id] ?? 1];
    if (kind === undefined) throw badToken(metadata, id, "a type from 1 to 6", `${types?.[id]}`);
    if (text === "") throw badToken(metadata, id, "a text", "none");
    return { text, score: scores?.[id] ?? 0, kind };
  });
  return withRoles(metadata, pieces);
}

function sameLength(metadata: Metadata, key: string, count: number): number[] | undefined {
  const list = metadata.numbers(key);
  if (list === undefined || list.length === count) return list;
  throw metadata.wrong(key, `${count} numbers, one for each token`, `${list.length}`);
}

function badToken(metadata: Metadata, id: number, expected: string, found: string): Error {
  return malformed(`${metadata.path}, token ${id}`, "A token cannot be used", { expected, found });
}

function withRoles(metadata: Metadata, pieces: Piece[]): Vocabulary {
  const roles: Partial<Record<Role, string>> = {};
  for (const { role, key, id } of roleTokens(metadata)) {
    const piece = pieces[id];
    if (piece === undefined) throw metadata.wrong(key, `a token from 0 to ${pieces.length - 1}`, id);
    roles[role] = piece.text;
    if (role === "unk" && isScored(metadata)) pieces[id] = { ...piece, kind: "unknown" };
  }
  return { metadata, pieces, roles };
}

function numbered({ metadata, pieces }: Vocabulary): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [id, { text }] of pieces.entries()) {
    const before = numbers.get(text);
    if (before !== undefined)
      throw badToken(metadata, id, "a text of its own", `${JSON.stringify(text)}, as token ${before}`);
    numbers.set(text, id);
  }
  return numbers;
}

function addedToken({ text: content, kind }: Piece, id: number): (NamedToken & AddedToken) | undefined {
  if (kind !== "control" && kind !== "userDefined") return undefined;
  return { ...specialFlags, special: kind === "control", content, id };
}

function readPreTokenizer(metadata: Metadata) {
  const key = "tokenizer.ggml.pre";
  const name = metadata.text(key);
  if (name === undefined) throw metadata.missing(key);
  const known = preTokenizers.get(name);
  if (known !== undefined) return known;
  throw metadata.wrong(key, [...preTokenizers.keys()].join(", "), name);
}

function readMerges(metadata: Metadata, numbers: ReadonlyMap<string, number>): [string, string][] {
  const key = "tokenizer.ggml.merges";
  const lines = metadata.strings(key);
  if (lines === undefined) throw metadata.missing(key);
  return lines.map((line) => {
    const gap = line.indexOf(" ", 1);
    const [left, right] = [line.slice(0, gap), line.slice(gap + 1)];
    if (gap > 0 && [left, right, left + right].every((token) => numbers.has(token))) return [left, right];
    throw metadata.wrong(key, "two tokens with a space between, whose text together is a token", line);
  });
}
