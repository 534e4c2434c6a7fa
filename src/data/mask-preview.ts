import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Example } from "./types.ts";

/** Consecutive tokens that are all labels, or all not. */
export interface MaskSegment {
  text: string;
  isLabel: boolean;
  tokens: number;
}

/**
 * An example's text, special tokens included, split where the label mask changes, for a coloured preview. The texts joined
 * are the decoded example.
 */
export async function maskPreview(example: Example, tokenizer: Tokenizer): Promise<MaskSegment[]> {
  const { ids, isLabel } = example;
  const segments: MaskSegment[] = [];
  let before = "";
  for (let start = 0; start < ids.length; ) {
    let end = start + 1;
    while (end < ids.length && isLabel[end] === isLabel[start]) end++;
    // Decoded from the beginning each time: a token's text can depend on the tokens before it.
    const decoded = await tokenizer.decode(ids.subarray(0, end), { skipSpecialTokens: false });
    const same = sharedLength(before, decoded);
    segments.push({ text: decoded.slice(same), isLabel: isLabel[start] === 1, tokens: end - start });
    before = decoded;
    start = end;
  }
  return segments;
}

function sharedLength(a: string, b: string): number {
  if (b.startsWith(a)) return a.length;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}
