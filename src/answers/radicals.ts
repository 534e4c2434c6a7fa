import type { Atom } from "./polynomial.ts";
import { absolute } from "./rational.ts";
import { samplesOf } from "./sample-values.ts";

/** Larger prime factors are not looked for. */
const largestDivisor = 2000n;

/**
 * Prime factors of an integer above 0 with their exponents. What is left after division by all primes up to 2,000 counts as
 * a prime, unless it is a square.
 */
export function primeFactors(integer: bigint): { prime: bigint; exponent: bigint }[] {
  const factors: { prime: bigint; exponent: bigint }[] = [];
  let rest = absolute(integer);
  for (let divisor = 2n; divisor <= largestDivisor && divisor * divisor <= rest; divisor++) {
    let exponent = 0n;
    for (; rest % divisor === 0n; rest /= divisor) exponent++;
    if (exponent > 0n) factors.push({ prime: divisor, exponent });
  }
  if (rest === 1n) return factors;
  const root = squareRoot(rest);
  const isSquare = root * root === rest && root > largestDivisor;
  factors.push(isSquare ? { prime: root, exponent: 2n } : { prime: rest, exponent: 1n });
  return factors;
}

/** The integer part of a square root, by Newton's iteration. */
function squareRoot(integer: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(integer.toString(2).length / 2));
  for (;;) {
    const next = (root + integer / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

export const primeAtom = (prime: bigint): Atom => ({
  key: `${prime}`,
  values: samplesOf(Number(prime)),
  integer: prime,
});
