import { byteLevelComponent, byteLevelModel } from "../tokenizer/byte-level-components.ts";
import { sentencePieceComponents } from "../tokenizer/read-sentencepiece.ts";
import type { TokenizerSource } from "../tokenizer/read-tokenizer.ts";
import { type Piece, pieceKinds } from "../tokenizer/sentencepiece-model.ts";
import type { ConfiguredToken, TokenizerSettings } from "../tokenizer/tokenizer-settings.ts";
import {
  type AddedToken,
  type SpecialTokenRole,
  specialTokenFlags,
  type TokenizerSpec,
} from "../tokenizer/tokenizer-spec.ts";
import { ggufFormatError } from "./format-error.ts";
import type { GgufMetadata } from "./metadata.ts";
import { preTokenizers } from "./pre-tokenizers.ts";
import { isSentencePiece, readSpecialTokens } from "./special-tokens.ts";

/** Vocabulary that both kinds of tokenizers have. */
interface Vocabulary {
  readonly metadata: GgufMetadata;
  /** By token id. */
  readonly pieces: readonly Piece[];
  readonly roles: Readonly<Partial<Record<SpecialTokenRole, string>>>;
}

/**
 * The tokenizer of a GGUF file: byte-level BPE with merges (`gpt2`), or SentencePiece's scored pieces (`llama`).
 * @throws ScaloraError `format` for another kind, an unknown pre-tokenizer, and arrays that contradict each other
 */
export function readTokenizer(metadata: GgufMetadata): TokenizerSource {
  const key = "tokenizer.ggml.model";
  const model = metadata.string(key);
  if (model === undefined) throw metadata.missingKeyError(key);
  if (model !== "gpt2" && model !== "llama")
    throw metadata.invalidValueError(key, "gpt2 (byte-level BPE) or llama (SentencePiece)", model);
  const vocabulary = readVocabulary(metadata);
  return model === "gpt2" ? byteLevelTokenizer(vocabulary) : sentencePieceTokenizer(vocabulary);
}

function byteLevelTokenizer(vocabulary: Vocabulary): TokenizerSource {
  const { metadata, pieces, roles } = vocabulary;
  const pre = readPreTokenizer(metadata);
  const ids = tokenIds(vocabulary);
  const blueprint: TokenizerSpec = {
    where: metadata.path,
    normalizer: pre.normalizer,
    preTokenizer: pre.component,
    decoder: byteLevelComponent(true),
    model: byteLevelModel(ids, readMerges(metadata, ids), pre.ignoresMerges),
    vocabulary: ids,
    addedTokens: pieces.flatMap((piece, id) => addedToken(piece, id) ?? []),
    specialTokens: roles,
    cleanUpSpaces: false,
    template: { before: [], after: [] },
  };
  return { spec: blueprint, settings: tokenizerSettings(vocabulary, pre.addsBos) };
}

function sentencePieceTokenizer(vocabulary: Vocabulary): TokenizerSource {
  const { metadata, pieces, roles } = vocabulary;
  const parts = sentencePieceComponents(metadata.path, {
    kind: "bpe",
    pieces,
    byteFallback: pieces.some(({ kind }) => kind === "byte"),
    charsmap: new Uint8Array(),
    addDummyPrefix: metadata.boolean("tokenizer.ggml.add_space_prefix") ?? true,
    removeExtraWhitespaces: metadata.boolean("tokenizer.ggml.remove_extra_whitespaces") ?? false,
  });
  const blueprint: TokenizerSpec = {
    ...parts,
    where: metadata.path,
    addedTokens: parts.addedTokens.map(withoutNormalization),
    vocabulary: tokenIds(vocabulary),
    specialTokens: roles,
    cleanUpSpaces: false,
    template: { before: [], after: [] },
  };
  return { spec: blueprint, settings: tokenizerSettings(vocabulary, true) };
}

/** llama.cpp's conversion keeps plain spaces in user-defined pieces, so they are matched in the text as given. */
function withoutNormalization(token: AddedToken): AddedToken {
  return token.content.includes(" ") ? { ...token, normalized: false } : token;
}

function tokenizerSettings({ metadata }: Vocabulary, addsBos: boolean): TokenizerSettings {
  return {
    where: metadata.path,
    tokenizerClass: undefined,
    specialTokens: {},
    addedTokens: [],
    extraSpecialTokens: [],
    addBos: metadata.boolean("tokenizer.ggml.add_bos_token") ?? addsBos,
    addEos: metadata.boolean("tokenizer.ggml.add_eos_token") ?? false,
    chatTemplate: chatTemplateOf(metadata),
    chatTemplateFile: metadata.path,
    options: {},
  };
}

export const chatTemplateOf = (metadata: GgufMetadata) => metadata.string("tokenizer.chat_template");

function readVocabulary(metadata: GgufMetadata): Vocabulary {
  const texts = metadata.strings("tokenizer.ggml.tokens");
  if (texts === undefined) throw metadata.missingKeyError("tokenizer.ggml.tokens");
  const types = readPerTokenArray(metadata, "tokenizer.ggml.token_type", texts.length);
  const scores = readPerTokenArray(metadata, "tokenizer.ggml.scores", texts.length);
  const pieces = texts.map((text, id): Piece => {
    const kind = pieceKinds[types?.[id] ?? 1];
    if (kind === undefined) throw invalidTokenError(metadata, id, "a type from 1 to 6", `${types?.[id]}`);
    if (text === "") throw invalidTokenError(metadata, id, "a text", "none");
    return { text, score: scores?.[id] ?? 0, kind };
  });
  return withSpecialTokens(metadata, pieces);
}

function readPerTokenArray(metadata: GgufMetadata, key: string, count: number): number[] | undefined {
  const list = metadata.numbers(key);
  if (list === undefined || list.length === count) return list;
  throw metadata.invalidValueError(key, `${count} numbers, one for each token`, `${list.length}`);
}

function invalidTokenError(metadata: GgufMetadata, id: number, expected: string, found: string): Error {
  return ggufFormatError(`${metadata.path}, token ${id}`, "A token is invalid", { expected, found });
}

function withSpecialTokens(metadata: GgufMetadata, pieces: Piece[]): Vocabulary {
  const roles: Partial<Record<SpecialTokenRole, string>> = {};
  for (const { role, key, id } of readSpecialTokens(metadata)) {
    const piece = pieces[id];
    if (piece === undefined)
      throw metadata.invalidValueError(key, `a token from 0 to ${pieces.length - 1}`, id);
    roles[role] = piece.text;
    if (role === "unk" && isSentencePiece(metadata)) pieces[id] = { ...piece, kind: "unknown" };
  }
  return { metadata, pieces, roles };
}

function tokenIds({ metadata, pieces }: Vocabulary): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [id, { text }] of pieces.entries()) {
    const before = numbers.get(text);
    if (before !== undefined)
      throw invalidTokenError(
        metadata,
        id,
        "a text that no other token has",
        `${JSON.stringify(text)}, as token ${before}`,
      );
    numbers.set(text, id);
  }
  return numbers;
}

function addedToken({ text: content, kind }: Piece, id: number): (ConfiguredToken & AddedToken) | undefined {
  if (kind !== "control" && kind !== "userDefined") return undefined;
  return { ...specialTokenFlags, special: kind === "control", content, id };
}

function readPreTokenizer(metadata: GgufMetadata) {
  const key = "tokenizer.ggml.pre";
  const name = metadata.string(key);
  if (name === undefined) throw metadata.missingKeyError(key);
  const known = preTokenizers.get(name);
  if (known !== undefined) return known;
  throw metadata.invalidValueError(key, [...preTokenizers.keys()].join(", "), name);
}

function readMerges(metadata: GgufMetadata, numbers: ReadonlyMap<string, number>): [string, string][] {
  const key = "tokenizer.ggml.merges";
  const lines = metadata.strings(key);
  if (lines === undefined) throw metadata.missingKeyError(key);
  return lines.map((line) => {
    const gap = line.indexOf(" ", 1);
    const [left, right] = [line.slice(0, gap), line.slice(gap + 1)];
    if (gap > 0 && [left, right, left + right].every((token) => numbers.has(token))) return [left, right];
    throw metadata.invalidValueError(
      key,
      "two tokens with a space between, whose text together is a token",
      line,
    );
  });
}
