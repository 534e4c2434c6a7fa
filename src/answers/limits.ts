/** An answer, or a step of its arithmetic, that is not understood; it is then compared as text. */
export class NotUnderstood extends Error {}

/** Longer answers are compared as text. */
export const maxCharacters = 1500;

/** How deep brackets, roots and exponents may be nested. */
export const maxDepth = 40;

/** Bits of an integer. Reached by answers such as 2^{4096}; towers of powers stop here. */
export const maxBits = 8192n;
const integerBound = 1n << maxBits;

/** The integer, where it is not too large. */
export function bounded(integer: bigint): bigint {
  if (integer >= integerBound || integer <= -integerBound) throw new NotUnderstood("an integer is too large");
  return integer;
}

/** Factors of terms that one comparison may compute; the largest answers of MATH need some hundred. */
const maxWork = 10_000;

/** Counts the work of one comparison. Arithmetic that would take longer ends with `NotUnderstood`. */
export class WorkBudget {
  private left = maxWork;

  /** Whether the work was more than the limit. */
  get isSpent(): boolean {
    return this.left < 0;
  }

  spend(amount: number): void {
    this.left -= amount;
    if (this.isSpent) throw new NotUnderstood("the arithmetic takes too long");
  }
}
