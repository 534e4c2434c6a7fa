import { NotUnderstood, type WorkBudget } from "./limits.ts";
import {
  type Atom,
  addPolynomials,
  constant,
  constantOf,
  type Factor,
  hasOpaqueAtom,
  imaginaryUnit,
  leadingTerm,
  multiplyPolynomials,
  type Polynomial,
  polynomialKey,
  polynomialPower,
  polynomialValues,
  productOf,
  scale,
  type Term,
} from "./polynomial.ts";
import { primeAtom, primeFactors } from "./radicals.ts";
import {
  absolute,
  equalRationals,
  greatestCommonDivisor,
  isInteger,
  isZero,
  multiplyRationals,
  one,
  type Rational,
  rational,
  rationalPower,
} from "./rational.ts";
import { agree, noSamples, type Samples } from "./sample-values.ts";

/** A value: a polynomial above another. */
export interface Quotient {
  readonly top: Polynomial;
  readonly bottom: Polynomial;
}

const unit = constant(one);
const minusOne = rational(-1n);

export const numberValue = (value: Rational): Quotient => ({ top: constant(value), bottom: unit });

/** The number that a quotient is, if it is a rational one. */
export function rationalOf({ top, bottom }: Quotient): Rational | undefined {
  return polynomialKey(bottom) === polynomialKey(unit) ? constantOf(top) : undefined;
}

export const quotientKey = ({ top, bottom }: Quotient) =>
  `(${polynomialKey(top)})/(${polynomialKey(bottom)})`;

/** The values at the points of a comparison, in double precision. */
export function quotientValues({ top, bottom }: Quotient): Samples {
  const below = polynomialValues(bottom);
  return polynomialValues(top).map((value, point) => value / (below[point] ?? Number.NaN));
}

/** Exact arithmetic of one comparison. Every function throws `NotUnderstood` when it would take too long. */
export class Algebra {
  private readonly budget: WorkBudget;
  private readonly keepsPowers: boolean;

  /** @param options `keepsPowers`: whether an integer power of a sum is not multiplied out, so that it equals the same power only */
  constructor(budget: WorkBudget, { keepsPowers = false } = {}) {
    this.budget = budget;
    this.keepsPowers = keepsPowers;
  }

  atom(atom: Atom): Quotient {
    return { top: productOf(one, [{ atom, exponent: one }], this.budget), bottom: unit };
  }

  add(a: Quotient, b: Quotient): Quotient {
    if (polynomialKey(a.bottom) === polynomialKey(b.bottom))
      return this.quotient(addPolynomials(a.top, b.top, this.budget), a.bottom);
    const top = addPolynomials(this.product(a.top, b.bottom), this.product(b.top, a.bottom), this.budget);
    return this.quotient(top, this.product(a.bottom, b.bottom));
  }

  negate({ top, bottom }: Quotient): Quotient {
    return { top: scale(top, minusOne), bottom };
  }

  subtract(a: Quotient, b: Quotient): Quotient {
    return this.add(a, this.negate(b));
  }

  multiply(a: Quotient, b: Quotient): Quotient {
    return this.quotient(this.product(a.top, b.top), this.product(a.bottom, b.bottom));
  }

  divide(a: Quotient, b: Quotient): Quotient {
    return this.quotient(this.product(a.top, b.bottom), this.product(a.bottom, b.top));
  }

  power(base: Quotient, exponent: Quotient): Quotient {
    const number = rationalOf(exponent);
    if (number === undefined) return this.symbolicPower(base, exponent);
    if (number.numerator < 0n)
      return this.power(
        this.divide(numberValue(one), base),
        numberValue(multiplyRationals(number, minusOne)),
      );
    const whole = number.numerator / number.denominator;
    const broken = rational(number.numerator % number.denominator, number.denominator);
    const { top, bottom } = base;
    const power = this.quotient(this.wholePower(top, whole), this.wholePower(bottom, whole));
    if (isZero(broken)) return power;
    return this.multiply(power, this.divide(this.root(top, broken), this.root(bottom, broken)));
  }

  /**
   * Whether two values are equal: exactly, or by their values at a few points where one has a function or a nested root. Terms
   * that both have do not count: beside a large one the others would not be seen.
   * @param byValue false where a number is rounded, which must not count as exact by its digits
   */
  equal(a: Quotient, b: Quotient, byValue: boolean): boolean {
    const [left, right] = [this.product(a.top, b.bottom), this.product(b.top, a.bottom)];
    const difference = addPolynomials(left, scale(right, minusOne), this.budget);
    if (difference.size === 0) return true;
    if (!byValue || !hasOpaqueAtom(difference)) return false;
    const terms = [...difference];
    const [added, subtracted] = [
      new Map(terms.filter(([, { coefficient }]) => coefficient.numerator > 0n)),
      new Map(terms.filter(([, { coefficient }]) => coefficient.numerator < 0n)),
    ];
    return agree(polynomialValues(added), polynomialValues(scale(subtracted, minusOne)));
  }

  private product(a: Polynomial, b: Polynomial): Polynomial {
    return multiplyPolynomials(a, b, this.budget);
  }

  /** A quotient without a lone term below: its powers move to the top, and a sum below begins with the coefficient 1. */
  private quotient(top: Polynomial, bottom: Polynomial): Quotient {
    const leading = leadingTerm(bottom);
    if (leading === undefined) throw new NotUnderstood("division by zero");
    const inverse = rationalPower(leading.coefficient, -1n);
    if (bottom.size > 1) return { top: scale(top, inverse), bottom: scale(bottom, inverse) };
    const stays = leading.factors.filter(({ atom }) => atom.sum !== undefined);
    const moves = leading.factors
      .filter(({ atom }) => atom.sum === undefined)
      .map(({ atom, exponent }) => ({ atom, exponent: multiplyRationals(exponent, minusOne) }));
    const factor = productOf(inverse, moves, this.budget);
    return { top: this.product(top, factor), bottom: productOf(one, stays, this.budget) };
  }

  private wholePower(base: Polynomial, exponent: bigint): Polynomial {
    const leading = leadingTerm(base);
    if (!this.keepsPowers || exponent < 2n || base.size < 2 || leading === undefined)
      return polynomialPower(base, exponent, this.budget);
    const content = contentOf(base);
    const factor = leading.coefficient.numerator < 0n ? multiplyRationals(content, minusOne) : content;
    const rest = scale(base, rationalPower(factor, -1n));
    // No values: beside so large a power another term would not count.
    const atom: Atom = { key: `[${polynomialKey(rest)}]`, values: noSamples };
    return productOf(rationalPower(factor, exponent), [{ atom, exponent: rational(exponent) }], this.budget);
  }

  /** A polynomial to an exponent between 0 and 1. */
  private root(base: Polynomial, exponent: Rational): Quotient {
    const [term, ...others] = base.values();
    if (term === undefined) return numberValue(rational(0n));
    if (others.length === 0) return { top: this.rootOfTerm(term, exponent), bottom: unit };
    const content = contentOf(base);
    const rest = scale(base, rationalPower(content, -1n));
    const values = polynomialValues(rest);
    const atom: Atom = { key: `(${polynomialKey(rest)})`, values, sum: rest, isOpaque: true };
    const factors = [...powersOfPrimes(content, exponent), { atom, exponent }];
    return { top: productOf(one, factors, this.budget), bottom: unit };
  }

  private rootOfTerm({ coefficient, factors }: Term, exponent: Rational): Polynomial {
    const isNegative = coefficient.numerator < 0n;
    if (isNegative && exponent.denominator % 2n === 0n && exponent.denominator !== 2n)
      throw new NotUnderstood("a root of a negative number");
    const isImaginary = isNegative && exponent.denominator === 2n;
    const isReversed = isNegative && !isImaginary && exponent.numerator % 2n !== 0n;
    const powers = factors.map(({ atom, exponent: power }) => this.rootOfPower(atom, power, exponent));
    const roots: Factor[] = [...powersOfPrimes(coefficient, exponent), ...powers];
    if (isImaginary) roots.push({ atom: imaginaryUnit, exponent: one });
    return productOf(isReversed ? minusOne : one, roots, this.budget);
  }

  /** The root of a power: √(x⁴) is x², √(x²) is |x|. */
  private rootOfPower(atom: Atom, power: Rational, exponent: Rational): Factor {
    const result = multiplyRationals(power, exponent);
    const mayBeNegative = !atom.values.every((value) => value >= 0);
    const losesSign = isEven(power.numerator) && isEven(exponent.denominator) && !isEven(result.numerator);
    if (!mayBeNegative || !losesSign) return { atom, exponent: result };
    return { atom: absoluteAtom(atom), exponent: result };
  }

  /** 2^x, x^n: each factor of a term keeps the exponent's rational factor, so that 4^x is 2^{2x} and 2^{x+1} is 2·2^x. */
  private symbolicPower(base: Quotient, exponent: Quotient): Quotient {
    const [term, ...others] = base.top.values();
    if (term === undefined || others.length > 0 || term.coefficient.numerator < 0n || base.bottom.size > 1)
      throw new NotUnderstood("a power of a sum");
    if (polynomialKey(exponent.bottom) !== polynomialKey(unit))
      throw new NotUnderstood("a quotient in an exponent");
    const factors = [...powersOfPrimes(term.coefficient, one), ...term.factors];
    let result = numberValue(one);
    for (const { coefficient, factors: symbols } of exponent.top.values()) {
      const powers = factors.map(({ atom, exponent: power }) => {
        const total = multiplyRationals(power, coefficient);
        return { atom: symbols.length === 0 ? atom : powerAtom(atom, symbols), exponent: total };
      });
      result = this.multiply(result, { top: productOf(one, powers, this.budget), bottom: unit });
    }
    return result;
  }
}

const isEven = (integer: bigint) => integer % 2n === 0n;

export const absoluteAtom = ({ key, values }: Atom): Atom => ({
  key: `|${key}|`,
  values: values.map(Math.abs),
});

/** An atom to the power of a product of atoms. */
function powerAtom(atom: Atom, symbols: readonly Factor[]): Atom {
  const product = polynomialOfFactors(symbols);
  const exponents = polynomialValues(product);
  const values = atom.values.map((value, point) => value ** (exponents[point] ?? Number.NaN));
  return { key: `${atom.key}^(${polynomialKey(product)})`, values, isOpaque: true };
}

const polynomialOfFactors = (factors: readonly Factor[]): Polynomial =>
  new Map([["", { coefficient: one, factors }]]);

/** The largest number above 0 by which all coefficients can be divided. */
function contentOf(polynomial: Polynomial): Rational {
  let [numerator, denominator] = [0n, 1n];
  for (const { coefficient } of polynomial.values()) {
    numerator = greatestCommonDivisor(numerator, coefficient.numerator);
    const common = greatestCommonDivisor(denominator, coefficient.denominator);
    denominator = (denominator / common) * coefficient.denominator;
  }
  return rational(numerator, denominator);
}

/** The powers of primes whose product is the absolute value of a number to an exponent. */
function powersOfPrimes({ numerator, denominator }: Rational, exponent: Rational): Factor[] {
  const powersOf = (integer: bigint, sign: bigint) =>
    primeFactors(absolute(integer)).map(({ prime, exponent: times }) => ({
      atom: primeAtom(prime),
      exponent: multiplyRationals(exponent, rational(sign * times)),
    }));
  return [...powersOf(numerator, 1n), ...powersOf(denominator, -1n)];
}

/** The ratio of two polynomials that are multiples of each other; undefined where they are not. */
export function ratioOf(a: Polynomial, b: Polynomial): Rational | undefined {
  const [x, y] = [leadingTerm(a), leadingTerm(b)];
  if (x === undefined || y === undefined) return undefined;
  const ratio = multiplyRationals(x.coefficient, rationalPower(y.coefficient, -1n));
  return polynomialKey(a) === polynomialKey(scale(b, ratio)) ? ratio : undefined;
}

export const isWholeNumber = (value: Rational | undefined): value is Rational =>
  value !== undefined && isInteger(value) && !equalRationals(value, rational(-1n)) && value.numerator >= 0n;
