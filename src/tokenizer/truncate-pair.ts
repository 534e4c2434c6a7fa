import type { Encoding as LibraryEncoding } from "tokenizers";
import { mapTuple } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import type { PairEncoding } from "./tokenizer.ts";

/**
 * Truncates the ends of an encoding's texts to `maxLength` tokens, special tokens included. The library's Node version
 * truncates pairs otherwise than Python's.
 * @throws ScaloraError `config` when the special tokens leave no room
 */
export function truncatePair(encoding: LibraryEncoding, maxLength: number): PairEncoding {
  const [ids, types] = [encoding.getIds(), encoding.getTypeIds()];
  if (ids.length <= maxLength) return { ids, tokenTypes: types, truncated: false };
  const sequenceIds = encoding.getSequenceIds();
  const [first, second] = mapTuple([0, 1], (text) => sequenceIds.filter((owner) => owner === text).length);
  const specialTokenCount = ids.length - first - second;
  if (maxLength <= specialTokenCount)
    throw new ScaloraError("config", "The special tokens leave no room for the text", {
      where: "data.maxLength",
      expected: `at least ${specialTokenCount + 1}`,
      found: `${maxLength}`,
    });
  const room = truncatedLengths(first, second, maxLength - specialTokenCount);
  const remaining = new Map(room.entries());
  const kept = sequenceIds.map((owner) => {
    if (typeof owner !== "number") return true;
    const left = remaining.get(owner) ?? 0;
    remaining.set(owner, left - 1);
    return left > 0;
  });
  return { ids: ids.filter((_, i) => kept[i]), tokenTypes: types.filter((_, i) => kept[i]), truncated: true };
}

/**
 * Numbers of tokens that two texts keep: the longer one is truncated until both are equally long, then both are; an odd token
 * goes to the longer one, or to the second of equally long ones (tokenizers 0.23.3, `TruncationStrategy::LongestFirst`).
 */
function truncatedLengths(first: number, second: number, room: number): [number, number] {
  const [short, long] = [Math.min(first, second), Math.max(first, second)];
  const half = Math.floor(room / 2);
  const [ofShort, ofLong] = short <= half ? [short, Math.min(long, room - short)] : [half, room - half];
  return first > second ? [ofLong, ofShort] : [ofShort, ofLong];
}
