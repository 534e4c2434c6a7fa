import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Example } from "./types.ts";

/** Consecutive tokens that are all labels, or all not. */
export interface MaskSegment {
  text: string;
  isLabel: boolean;
  /** Whether they are all special tokens; absent where special tokens are not distinguished. */
  isSpecial?: boolean;
  tokens: number;
}

/**
 * An example's text, special tokens included, split where the label mask changes, for a coloured preview. The texts joined
 * are the decoded example. With `special` it is split around special tokens, too.
 */
export async function maskPreview(
  example: Example,
  tokenizer: Tokenizer,
  { special = false }: { special?: boolean } = {},
): Promise<MaskSegment[]> {
  const { ids, isLabel } = example;
  const isSpecial = special ? await specialTokens(ids, tokenizer) : undefined;
  const segments: MaskSegment[] = [];
  let before = "";
  for (let start = 0; start < ids.length; ) {
    let end = start + 1;
    while (end < ids.length && isLabel[end] === isLabel[start] && isSpecial?.[end] === isSpecial?.[start])
      end++;
    // Decoded from the beginning each time: a token's text can depend on the tokens before it.
    const decoded = await tokenizer.decode(ids.subarray(0, end), { skipSpecialTokens: false });
    const same = sharedLength(before, decoded);
    segments.push({
      text: decoded.slice(same),
      isLabel: isLabel[start] === 1,
      ...(isSpecial && { isSpecial: isSpecial[start] === true }),
      tokens: end - start,
    });
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

/** Which tokens are special ones: those that decoding can leave out. */
async function specialTokens(ids: Int32Array, tokenizer: Tokenizer): Promise<boolean[]> {
  const special = new Set<number>();
  for (const id of new Set(ids)) {
    const shown = await tokenizer.decode([id], { skipSpecialTokens: false });
    if (shown !== "" && (await tokenizer.decode([id])) === "") special.add(id);
  }
  return [...ids].map((id) => special.has(id));
}
