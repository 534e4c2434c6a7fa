import type { Piece } from "./sentencepiece-model.js";

/**
 * The merge list that makes a BPE model out of SentencePiece's scored pieces: every split of a piece into two pieces,
 * better pieces first, within a piece the longest left part first (transformers, `generate_merges`). Only pieces that
 * text can form take part: neither control nor byte pieces, nor user-defined ones, which are cut out beforehand.
 */
export function mergesFromScores(pieces: readonly Piece[]): [string, string][] {
  const scores = new Map<string, number>();
  for (const { text, score, kind } of pieces) if (kind === "normal") scores.set(text, score);
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
