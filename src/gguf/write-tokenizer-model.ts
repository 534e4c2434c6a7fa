import { isDeepStrictEqual } from "node:util";
import { mergesFromScores } from "../tokenizer/merges-from-scores.ts";
import { pieceKinds } from "../tokenizer/sentencepiece-model.ts";
import { zip } from "../util/elements.ts";
import {
  boolItem,
  float32ArrayItem,
  type MetadataItem,
  stringArrayItem,
  stringItem,
} from "./encode-metadata.ts";
import {
  type ComponentJson,
  flattenSequence,
  type ParsedTokenizer,
  unsupportedTokenizerError,
} from "./parse-tokenizer-json.ts";
import { preTokenizers } from "./pre-tokenizers.ts";

/** Keys of a byte-level tokenizer: its merges and the name of its pre-tokenizer. */
export function byteLevelItems(parts: ParsedTokenizer): MetadataItem[] {
  const { where, merges, ignoresMerges, normalizers } = parts;
  // NFC is the only normaliser that a pre-tokenizer's name can imply.
  const other = normalizers.find(({ type }) => type !== "NFC");
  if (other !== undefined) throw unsupportedTokenizerError(where, `a normaliser ${other.type} before bytes`);
  const steps = parts.preTokenizers.map(withoutTrimOffsets);
  for (const [name, known] of preTokenizers) {
    const same = isDeepStrictEqual(flattenSequence(known.component).map(withoutTrimOffsets), steps);
    if (same && known.ignoresMerges === ignoresMerges)
      return [
        stringItem("tokenizer.ggml.pre", name),
        stringArrayItem(
          "tokenizer.ggml.merges",
          merges.map((merge) => merge.join(" ")),
        ),
        boolItem("tokenizer.ggml.add_space_prefix", false),
      ];
  }
  throw unsupportedTokenizerError(
    where,
    `words cut by ${JSON.stringify(parts.preTokenizers)}, which has no name in GGUF`,
  );
}

/** A pre-tokenizer without the setting that changes offsets only. */
function withoutTrimOffsets({ trim_offsets: _, ...step }: ComponentJson): Record<string, unknown> {
  return { ...step };
}

/**
 * Keys of a SentencePiece model: scores from which readers derive the merges.
 * @param types token types by their GGUF numbers
 * @throws ScaloraError `usage` for merges that no scores give
 */
export function sentencePieceItems(
  parts: ParsedTokenizer,
  tokens: readonly string[],
  types: readonly number[],
): MetadataItem[] {
  const scores = impliedScores(parts, tokens, types);
  return [
    stringItem("tokenizer.ggml.pre", "default"),
    float32ArrayItem("tokenizer.ggml.scores", scores),
    boolItem("tokenizer.ggml.add_space_prefix", hasSpacePrefix(parts)),
  ];
}

/** Scores that fall with the position of the merge that makes a piece; pieces that no merge makes have the lowest. */
function impliedScores(
  { where, merges }: ParsedTokenizer,
  tokens: readonly string[],
  types: readonly number[],
) {
  const ranks = new Map<string, number>();
  for (const [left, right] of merges) if (!ranks.has(left + right)) ranks.set(left + right, ranks.size);
  const worst = ranks.size;
  const pieces = zip(tokens, types).map(([text, type]) => ({
    text,
    score: type === 1 ? -(ranks.get(text) ?? worst) : type === 6 ? 0 : -1000,
    kind: pieceKinds[type] ?? "unused",
  }));
  if (!sameMerges(merges, mergesFromScores(where, pieces), ranks))
    throw unsupportedTokenizerError(where, "merges that no scores of the pieces imply");
  return pieces.map(({ score }) => score);
}

/** Whether two merge lists are equal but for the order of merges that make the same piece, which scores do not keep. */
function sameMerges(
  a: readonly (readonly [string, string])[],
  b: readonly (readonly [string, string])[],
  ranks: ReadonlyMap<string, number>,
): boolean {
  const ordered = (merges: readonly (readonly [string, string])[]) =>
    merges
      .map(([left, right]) => [ranks.get(left + right) ?? -1, left.length] as const)
      .sort(([rankA, lengthA], [rankB, lengthB]) => rankA - rankB || lengthA - lengthB);
  return isDeepStrictEqual(ordered(a), ordered(b));
}

/** Whether a space is put before a text; GGUF has no other normaliser steps. */
function hasSpacePrefix({ where, normalizers, preTokenizers: steps }: ParsedTokenizer): boolean {
  let prefix = false;
  let escapes = false;
  for (const step of normalizers) {
    const from = JSON.stringify(step["pattern"]);
    if (step.type === "Prepend" && step["prepend"] === "▁") prefix = true;
    else if (step.type === "Replace" && step["content"] === "▁" && from === '{"String":" "}') escapes = true;
    else if (step.type === "Replace" && step["content"] === "▁" && from.startsWith('{"Regex":"\\\\A'))
      prefix = true;
    else throw unsupportedTokenizerError(where, `a normaliser ${JSON.stringify(step)}`);
  }
  for (const step of steps) {
    const isNoOp = escapes && step.type === "Split" && JSON.stringify(step["pattern"]) === '{"String":" "}';
    if (step.type === "Metaspace" && step["split"] === false)
      [prefix, escapes] = [step["prepend_scheme"] !== "never", true];
    else if (!isNoOp) throw unsupportedTokenizerError(where, `a pre-tokeniser ${JSON.stringify(step)}`);
  }
  if (!escapes) throw unsupportedTokenizerError(where, "spaces that are not escaped as ▁");
  return prefix;
}
