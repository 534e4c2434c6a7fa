import type { Encoding as LibraryEncoding } from "tokenizers";
import { mapTuple } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import type { PairEncoding } from "./types.ts";

/**
 * Cuts the ends of the texts of an encoding so that `maxLength` tokens are left, those around the texts included. Done here
 * because the library's version for Node cuts pairs otherwise than Python's.
 * @throws ScaloraError `config` when the tokens around the texts leave no room
 */
export function truncatePair(encoding: LibraryEncoding, maxLength: number): PairEncoding {
  const [ids, types] = [encoding.getIds(), encoding.getTypeIds()];
  if (ids.length <= maxLength) return { ids, tokenTypes: types, truncated: false };
  const sequenceIds = encoding.getSequenceIds();
  const [first, second] = mapTuple([0, 1], (text) => sequenceIds.filter((owner) => owner === text).length);
  const specialTokenCount = ids.length - first - second;
  if (maxLength <= specialTokenCount)
    throw new ScaloraError("config", "The tokens around a text leave it no room", {
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
 * How many tokens of two texts stay: those of the longer one go first, then both are equally long; an odd token belongs to
 * the longer one, of equally long ones to the second (tokenizers 0.23.3, `TruncationStrategy::LongestFirst`).
 */
function truncatedLengths(first: number, second: number, room: number): [number, number] {
  const [short, long] = [Math.min(first, second), Math.max(first, second)];
  const half = Math.floor(room / 2);
  const [ofShort, ofLong] = short <= half ? [short, Math.min(long, room - short)] : [half, room - half];
  return first > second ? [ofLong, ofShort] : [ofShort, ofLong];
}
