import { ScaloraError } from "../util/errors.ts";
import { type Field, ProtobufError, readFields } from "./protobuf.ts";
import { readBytes, tokenizerFormatError } from "./tokenizer-files.ts";

/** Kinds of pieces. */
export type PieceKind = "normal" | "unknown" | "control" | "userDefined" | "unused" | "byte";
/** Kinds by their number in sentencepiece_model.proto, which GGUF uses too; none is 0. */
export const pieceKinds: readonly (PieceKind | undefined)[] = [
  undefined,
  "normal",
  "unknown",
  "control",
  "userDefined",
  "unused",
  "byte",
];

export interface Piece {
  readonly text: string;
  readonly score: number;
  readonly kind: PieceKind;
}

/** The content of a SentencePiece `.model` file; the index of a piece is its token id. */
export interface SentencePieceModel {
  readonly kind: "bpe" | "unigram";
  readonly pieces: readonly Piece[];
  readonly byteFallback: boolean;
  /** Texts of the special pieces, which may not exist (-1 in training). */
  readonly roles: { readonly unk: string; readonly bos: string; readonly eos: string; readonly pad: string };
  readonly charsmap: Uint8Array;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
}

/** Field numbers of sentencepiece_model.proto (google/sentencepiece, src/). */
const modelField = { pieces: 1, trainer: 2, normalizer: 3 };
const pieceField = { text: 1, score: 2, kind: 3 };
const trainerField = {
  modelType: 3,
  whitespaceAsSuffix: 24,
  byteFallback: 35,
  unk: 45,
  bos: 46,
  eos: 47,
  pad: 48,
};
const normalizerField = { charsmap: 2, addDummyPrefix: 3, removeExtraWhitespaces: 4, escapeWhitespaces: 5 };

/**
 * Reads a SentencePiece model (BPE or Unigram).
 * @throws ScaloraError `format` when the file is not such a model or uses an unsupported feature
 */
export function readSentencePieceModel(path: string): SentencePieceModel {
  const bytes = readBytes(path);
  refuseTiktoken(path, bytes);
  try {
    return checkModel(path, parseModel(path, bytes));
  } catch (cause) {
    if (!(cause instanceof ProtobufError)) throw cause;
    throw tokenizerFormatError(
      path,
      "a SentencePiece model (protobuf)",
      `${cause.message}, at byte ${cause.offset}`,
      cause,
    );
  }
}

function refuseTiktoken(path: string, bytes: Uint8Array): void {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 64));
  if (!/^[A-Za-z0-9+/]+={0,2} \d+\r?\n/.test(start)) return;
  throw new ScaloraError("format", "The tokenizer is a tiktoken file, not a SentencePiece model", {
    where: path,
    fix: "take the folder in the Hugging Face layout, which has a tokenizer.json",
  });
}

function parseModel(where: string, bytes: Uint8Array): SentencePieceModel {
  const pieces: Piece[] = [];
  let trainer = new Map<number, Field>();
  let normalizer = new Map<number, Field>();
  for (const { number, bytes: message } of readFields(bytes)) {
    if (message === undefined) continue;
    if (number === modelField.pieces) pieces.push(parsePiece(where, pieces.length, message));
    if (number === modelField.trainer) trainer = lastFields(message);
    if (number === modelField.normalizer) normalizer = lastFields(message);
  }
  const text = (number: number, fallback: string) =>
    decodeText(where, trainer.get(number)?.bytes) ?? fallback;
  const flag = (fields: Map<number, Field>, number: number, fallback: boolean) =>
    fields.has(number) ? fields.get(number)?.int !== 0 : fallback;
  if (flag(trainer, trainerField.whitespaceAsSuffix, false)) {
    throw unsupported(where, "white space as a suffix of words (treat_whitespace_as_suffix)");
  }
  if (!flag(normalizer, normalizerField.escapeWhitespaces, true)) {
    throw unsupported(where, "white space that is not escaped (escape_whitespaces: false)");
  }
  return {
    kind: modelKind(where, trainer.get(trainerField.modelType)?.int ?? 1),
    pieces,
    byteFallback: flag(trainer, trainerField.byteFallback, false),
    roles: {
      unk: text(trainerField.unk, "<unk>"),
      bos: text(trainerField.bos, "<s>"),
      eos: text(trainerField.eos, "</s>"),
      pad: text(trainerField.pad, "<pad>"),
    },
    charsmap: normalizer.get(normalizerField.charsmap)?.bytes ?? new Uint8Array(),
    addDummyPrefix: flag(normalizer, normalizerField.addDummyPrefix, true),
    removeExtraWhitespaces: flag(normalizer, normalizerField.removeExtraWhitespaces, true),
  };
}

/** The fields of a message by number; of a repeated one the last, as protobuf specifies for scalars. */
function lastFields(message: Uint8Array): Map<number, Field> {
  const result = new Map<number, Field>();
  for (const field of readFields(message)) result.set(field.number, field);
  return result;
}

function parsePiece(where: string, index: number, message: Uint8Array): Piece {
  const fields = lastFields(message);
  const text = decodeText(where, fields.get(pieceField.text)?.bytes);
  const score = fields.get(pieceField.score)?.float ?? 0;
  const number = fields.get(pieceField.kind)?.int ?? 1;
  const kind = pieceKinds[number];
  if (kind === undefined)
    throw tokenizerFormatError(where, "a known kind of piece", `kind ${number} at piece ${index}`);
  if (text === undefined || text === "")
    throw tokenizerFormatError(where, "text in every piece", `piece ${index} is empty`);
  if (!Number.isFinite(score))
    throw tokenizerFormatError(where, "finite scores", `${score} at piece ${index}`);
  return { text, score, kind };
}

function decodeText(where: string, bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    // A byte order mark can be a piece.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw tokenizerFormatError(where, "UTF-8 text in pieces", "other bytes", cause);
  }
}

function modelKind(where: string, number: number): "bpe" | "unigram" {
  if (number === 1) return "unigram";
  if (number === 2) return "bpe";
  throw unsupported(where, `model type ${number} (neither BPE nor Unigram)`);
}

function unsupported(where: string, what: string): ScaloraError {
  return new ScaloraError("format", "The SentencePiece model uses an unsupported feature", {
    where,
    found: what,
    fix: "convert the tokenizer to a tokenizer.json with transformers",
  });
}

function checkModel(where: string, model: SentencePieceModel): SentencePieceModel {
  const { pieces } = model;
  if (pieces.length === 0) throw tokenizerFormatError(where, "a SentencePiece model", "no pieces");
  const seen = new Map<string, number>();
  for (const [index, { text, kind }] of pieces.entries()) {
    const before = seen.get(text);
    if (before !== undefined) {
      throw tokenizerFormatError(
        where,
        "distinct pieces",
        `${JSON.stringify(text)} at ${before} and at ${index}`,
      );
    }
    seen.set(text, index);
    if (kind === "unused") throw unsupported(where, `unused pieces (${JSON.stringify(text)})`);
  }
  const unknown = pieces.filter(({ kind }) => kind === "unknown").length;
  if (unknown !== 1) throw tokenizerFormatError(where, "one unknown piece", `${unknown}`);
  const bytes = pieces.filter(({ kind }) => kind === "byte").length;
  if (model.byteFallback && bytes !== 256)
    throw tokenizerFormatError(where, "a piece for each of the 256 bytes", `${bytes}`);
  return model;
}
