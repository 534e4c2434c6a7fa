import { ScaloraError } from "./errors.ts";

/**
 * Seeded random numbers for data order and data generation (xoshiro128**, seeded through splitmix32).
 * The state is four 32-bit words, so that a checkpoint can hold it. Tensors draw from torch generators instead.
 */
export class Random {
  private readonly stateWords: Uint32Array;

  constructor(seed: number) {
    if (!Number.isSafeInteger(seed))
      throw new ScaloraError("config", "A seed must be an integer", { found: String(seed) });
    this.stateWords = new Uint32Array(4);
    let low = seed >>> 0;
    const high = Math.floor(seed / 2 ** 32) >>> 0;
    for (let i = 0; i < 4; i++) {
      low = (low + 0x9e3779b9) >>> 0;
      let mixed = low ^ high;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      this.stateWords[i] = mixed ^ (mixed >>> 15);
    }
  }

  /** A whole number in [0, 2^32). */
  uint32(): number {
    const s = this.stateWords;
    const scrambled = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9);
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotateLeft(s[3], 11);
    return scrambled >>> 0;
  }

  /** A number in [0, 1) with 32 random bits. */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number in [0, limit). */
  integerBelow(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integerBelow(items.length)];
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integerBelow(i + 1);
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }

  state(): number[] {
    return [...this.stateWords];
  }

  restore(state: readonly number[]): void {
    if (state.length !== 4)
      throw new ScaloraError("format", "A random state has four words", { found: `${state.length}` });
    this.stateWords.set(state);
  }
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
