import { tokenizerFormatError } from "./read-files.ts";
import type { Piece } from "./sentencepiece-model.ts";

/** Squared lengths of all pieces together, which time and memory go by; the 262,144 pieces of Gemma 3 have 11 million. */
const maxWork = 2 ** 27;

/**
 * The merge list that makes a BPE model out of SentencePiece's scored pieces: every split of a piece into two pieces,
 * better pieces first, within a piece the longest left part first (transformers, `generate_merges`). Only pieces that
 * text can form take part: neither control nor byte pieces, nor user-defined ones, which are cut out beforehand.
 * @throws ScaloraError `format` where the pieces are so long that no memory would hold their merges
 */
export function mergesFromScores(where: string, pieces: readonly Piece[]): [string, string][] {
  const scores = new Map<string, number>();
  for (const { text, score, kind } of pieces) if (kind === "normal") scores.set(text, score);
  checkPieceLengths(where, scores.keys());
  const byRank = [...scores.keys()].sort((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0));
  const merges: [string, string][] = [];
  for (const text of byRank) {
    for (let end = text.length - 1; end > 0; end--) {
      const left = text.slice(0, end);
      const right = text.slice(end);
      if (scores.has(left) && scores.has(right)) merges.push([left, right]);
    }
  }
  return merges;
}

function checkPieceLengths(where: string, texts: Iterable<string>): void {
  let work = 0;
  for (const { length } of texts) work += length ** 2;
  if (work <= maxWork) return;
  throw tokenizerFormatError(
    where,
    `pieces whose squared lengths add up to at most ${maxWork.toLocaleString("en")}`,
    work.toLocaleString("en"),
  );
}
