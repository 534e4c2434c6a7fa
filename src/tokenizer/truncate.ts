import type { Encoding as LibraryEncoding } from "tokenizers";
import { ScaloraError } from "../util/errors.ts";
import type { PairEncoding } from "./types.ts";

/**
 * Cuts the ends of the texts of an encoding so that `maxLength` tokens are left, those around the texts included. Done here
 * because the library's version for Node cuts pairs otherwise than Python's.
 * @throws ScaloraError `config` when the tokens around the texts leave no room
 */
export function cutPair(encoding: LibraryEncoding, maxLength: number): PairEncoding {
  const [ids, types] = [encoding.getIds(), encoding.getTypeIds()];
  if (ids.length <= maxLength) return { ids, types, truncated: false };
  const owners = encoding.getSequenceIds();
  const lengths = [0, 1].map((text) => owners.filter((owner) => owner === text).length);
  const around = ids.length - lengths[0] - lengths[1];
  if (maxLength <= around)
    throw new ScaloraError("config", "The tokens around a text leave it no room", {
      where: "data.maxLength",
      expected: `at least ${around + 1}`,
      found: `${maxLength}`,
    });
  const room = keptOfPair(lengths[0], lengths[1], maxLength - around);
  const kept = owners.map((owner) => typeof owner !== "number" || room[owner]-- > 0);
  return { ids: ids.filter((_, i) => kept[i]), types: types.filter((_, i) => kept[i]), truncated: true };
}

/**
 * How many tokens of two texts stay: those of the longer one go first, then both are equally long; an odd token belongs to
 * the longer one, of equally long ones to the second (tokenizers 0.23.3, `TruncationStrategy::LongestFirst`).
 */
function keptOfPair(first: number, second: number, room: number): [number, number] {
  const [short, long] = [Math.min(first, second), Math.max(first, second)];
  const half = Math.floor(room / 2);
  const kept = short <= half ? [short, Math.min(long, room - short)] : [half, room - half];
  return first > second ? [kept[1], kept[0]] : [kept[0], kept[1]];
}
