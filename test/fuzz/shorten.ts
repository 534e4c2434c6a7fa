import { replaceRun } from "./mutate/bytes.ts";

/** Attempts after which the shortest input so far is taken. */
const mostAttempts = 3000;

/** Leaves out runs of an input, the longest first, as long as it still fails. */
export async function shorten(
  input: Uint8Array,
  fails: (shorter: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let best = input;
  let attempts = 0;
  for (let length = best.length >> 1; length >= 1; length >>= 1) {
    for (let start = 0; start < best.length && attempts < mostAttempts; attempts++) {
      const shorter = replaceRun(best, start, start + length, new Uint8Array());
      if (await fails(shorter)) best = shorter;
      else start += length;
    }
  }
  return best;
}
