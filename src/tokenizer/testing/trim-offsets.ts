import type { Encoding } from "../index.ts";

const edges = /^[\p{Z}\p{Cc}\p{Cf}▁\ufffd]+|[\p{Z}\p{Cc}\p{Cf}▁\ufffd]+$/gu;

/**
 * Offsets without the spaces and format characters at their ends, `[-1, -1]` where nothing else is left: what is left to
 * compare with sentencepiece, which counts those to other tokens.
 */
export function trimOffsets(text: string, offsets: Encoding["offsets"]): Encoding["offsets"] {
  return offsets.map(([start, end]) => {
    const found = text.slice(start, end);
    const first = start + found.length - found.replace(edges, (run, at) => (at === 0 ? "" : run)).length;
    const length = found.replaceAll(edges, "").length;
    return length === 0 ? [-1, -1] : [first, first + length];
  });
}
