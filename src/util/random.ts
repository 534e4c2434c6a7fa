import { elementAt, mapTuple } from "./elements.ts";
import { ScaloraError } from "./errors.ts";

/** Words of 32 bits. */
type State = [number, number, number, number];

/**
 * Seeded random numbers for data order and data generation (xoshiro128**, seeded through splitmix32).
 * The state is four 32-bit words, so that a checkpoint can hold it. Tensors draw from torch generators instead.
 */
export class Random {
  private stateWords: State;

  constructor(seed: number) {
    if (!Number.isSafeInteger(seed))
      throw new ScaloraError("config", "A seed must be an integer", { found: String(seed) });
    const high = Math.floor(seed / 2 ** 32);
    this.stateWords = mapTuple([1, 2, 3, 4], (i) => {
      let mixed = ((seed >>> 0) + i * 0x9e3779b9) ^ high;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    });
  }

  /** An integer in [0, 2^32). */
  uint32(): number {
    const [s0, s1, s2, s3] = this.stateWords;
    const [mixed2, mixed3] = [s2 ^ s0, s3 ^ s1];
    this.stateWords = [s0 ^ mixed3, s1 ^ mixed2, mixed2 ^ (s1 << 9), rotateLeft(mixed3, 11)];
    return Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  }

  /** A number in [0, 1) with 32 random bits. */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer in [0, limit). */
  integerBelow(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return elementAt(items, this.integerBelow(items.length));
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integerBelow(i + 1);
      const drawn = elementAt(result, j);
      result[j] = elementAt(result, i);
      result[i] = drawn;
    }
    return result;
  }

  state(): number[] {
    return this.stateWords.map((word) => word >>> 0);
  }

  restore(state: readonly number[]): void {
    const [s0, s1, s2, s3, ...rest] = state;
    if (s0 === undefined || s1 === undefined || s2 === undefined || s3 === undefined || rest.length > 0)
      throw new ScaloraError("format", "A random state has four words", { found: `${state.length}` });
    this.stateWords = [s0, s1, s2, s3];
  }
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
