import type { Piece } from "./sentencepiece-model.ts";
import { tokenizerFormatError } from "./tokenizer-files.ts";

/** Most squared lengths of all pieces together, to which time and memory are proportional; Gemma 3's pieces have 11 million. */
const maxWork = 2 ** 27;

/**
 * The BPE merges of SentencePiece's scored pieces: every split of a piece into two pieces, better pieces first, and of one
 * piece the longest left part first (transformers, `generate_merges`). Control, byte and user-defined pieces, which merges
 * never form, are left out.
 * @throws ScaloraError `format` where the pieces are so long that their merges would not fit into memory
 */
export function mergesFromScores(where: string, pieces: readonly Piece[]): [string, string][] {
  const scores = new Map<string, number>();
  for (const { text, score, kind } of pieces) if (kind === "normal") scores.set(text, score);
  checkPieceLengths(where, scores.keys());
  const byRank = [...scores].sort(([, a], [, b]) => b - a);
  const merges: [string, string][] = [];
  for (const [text] of byRank) {
    for (let end = text.length - 1; end > 0; end--) {
      const left = text.slice(0, end);
      if (!scores.has(left)) continue;
      const right = text.slice(end);
      if (scores.has(right)) merges.push([left, right]);
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
