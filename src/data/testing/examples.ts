import { Random } from "../../util/random.ts";
import type { Example } from "../types.ts";

/** Sequences of the given lengths with different tokens, about half of them labels (the last one always). */
export function randomExamples(lengths: readonly number[], { seed = 1, name = "f" } = {}): Example[] {
  const random = new Random(seed);
  return lengths.map((length, row) => {
    const ids = Int32Array.from({ length }, () => random.integerBelow(50_000));
    const isLabel = Uint8Array.from({ length }, (_, i) => (i > 0 && random.integerBelow(2) === 0 ? 1 : 0));
    isLabel[length - 1] = 1;
    return { ids, isLabel, source: `${name}:${row + 1}` };
  });
}

/** `count` lengths between 2 and `longest`, short ones more often. */
export function randomLengths(count: number, longest: number, seed = 1): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => 2 + Math.floor(random.uniform() ** 2 * (longest - 1)));
}
