import { bounded, maxBits, NotUnderstood } from "./limits.ts";

/** A fraction in lowest terms; the denominator is positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const zero: Rational = { numerator: 0n, denominator: 1n };
export const one: Rational = { numerator: 1n, denominator: 1n };

export const absolute = (integer: bigint) => (integer < 0n ? -integer : integer);

export function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [absolute(a), absolute(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** @throws NotUnderstood when the denominator is 0 or an integer is too large */
export function rational(numerator: bigint, denominator = 1n): Rational {
  if (denominator === 0n) throw new NotUnderstood("division by zero");
  const divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: bounded(numerator / divisor), denominator: bounded(denominator / divisor) };
}

export const isZero = (a: Rational) => a.numerator === 0n;
export const isInteger = (a: Rational) => a.denominator === 1n;
export const equalRationals = (a: Rational, b: Rational) =>
  a.numerator === b.numerator && a.denominator === b.denominator;

export function addRationals(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

export function multiplyRationals(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** `a` to an integer power. @throws NotUnderstood for 0 to a negative power, and when the result is too large */
export function rationalPower(a: Rational, exponent: bigint): Rational {
  const size = absolute(exponent);
  const bits = BigInt(Math.max(bitLength(a.numerator), bitLength(a.denominator)) - 1);
  if (bits * size > maxBits) throw new NotUnderstood("a power is too large");
  // 0, 1 and -1 have powers of any size.
  const times = bits === 0n && size > 0n ? 2n - (size % 2n) : size;
  const [numerator, denominator] = [a.numerator ** times, a.denominator ** times];
  return exponent < 0n ? rational(denominator, numerator) : rational(numerator, denominator);
}

const bitLength = (integer: bigint) => absolute(integer).toString(2).length;

/** A number as it is written, such as `12`, `.5`, `1.50` or `1e3`. */
export function parseDecimal(text: string): Rational {
  const parts = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (parts === null) throw new NotUnderstood("not a number");
  const [, whole = "", decimals = "", exponent = "0"] = parts;
  if (whole + decimals === "") throw new NotUnderstood("a number without digits");
  const value = rational(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
  return multiplyRationals(value, rationalPower(rational(10n), BigInt(exponent)));
}

/** `0.1\overline{6}`: decimals of which the last ones recur. */
export function recurringDecimal(text: string, period: string): Rational {
  const decimals = text.split(".")[1] ?? "";
  const shift = 10n ** BigInt(decimals.length);
  const recurring = rational(BigInt(period), (10n ** BigInt(period.length) - 1n) * shift);
  return addRationals(parseDecimal(text), recurring);
}

/** The nearest double, also where numerator and denominator are beyond its range. */
export function toNumber({ numerator, denominator }: Rational): number {
  const excess = Math.max(bitLength(numerator), bitLength(denominator)) - 1000;
  const shift = BigInt(Math.max(0, excess));
  return Number(numerator >> shift) / Number(denominator >> shift);
}
