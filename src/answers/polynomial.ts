import { NotUnderstood, type WorkBudget } from "./limits.ts";
import {
  addRationals,
  isInteger,
  isZero,
  multiplyRationals,
  one,
  type Rational,
  rational,
  rationalPower,
  toNumber,
  zero,
} from "./rational.ts";
import { noSamples, type Samples, samplesOf } from "./sample-values.ts";

/** What arithmetic does not take apart: a prime (its powers are radicals), a symbol, π, i, a sum under a root, sin x. */
export interface Atom {
  /** Equal atoms have equal keys. */
  readonly key: string;
  /** Its values at the points of a comparison; NaN where it has none. */
  readonly values: Samples;
  /** The prime, or another integer that is not factored further. */
  readonly integer?: bigint;
  /** The sum that it stands for; only its broken powers stay an atom. */
  readonly sum?: Polynomial;
  /** Whether its equality with others is known only by its values, as that of sin(π/6). */
  readonly isOpaque?: boolean;
}

export interface Factor {
  readonly atom: Atom;
  readonly exponent: Rational;
}

/** A coefficient times powers of atoms, sorted by key. */
export interface Term {
  readonly coefficient: Rational;
  readonly factors: readonly Factor[];
}

/** A sum of terms, by the key of their factors. No coefficient is 0. */
export type Polynomial = ReadonlyMap<string, Term>;

export const imaginaryUnit: Atom = { key: "i", values: noSamples };

const factorsKey = (factors: readonly Factor[]) =>
  factors.map(({ atom, exponent }) => `${atom.key}^${rationalKey(exponent)}`).join("*");

const rationalKey = ({ numerator, denominator }: Rational) => `${numerator}/${denominator}`;

/** Equal polynomials have equal keys. */
export function polynomialKey(polynomial: Polynomial): string {
  const terms = [...polynomial].map(([key, { coefficient }]) => `${rationalKey(coefficient)}*${key}`);
  return terms.sort().join("+");
}

/** The term whose key is the first. */
export function leadingTerm(polynomial: Polynomial): Term | undefined {
  const [first] = [...polynomial.keys()].sort();
  return first === undefined ? undefined : polynomial.get(first);
}

function polynomialOf(terms: readonly Term[]): Polynomial {
  const sum = new Map<string, Term>();
  for (const term of terms) {
    const key = factorsKey(term.factors);
    const coefficient = addRationals(sum.get(key)?.coefficient ?? zero, term.coefficient);
    if (isZero(coefficient)) sum.delete(key);
    else sum.set(key, { ...term, coefficient });
  }
  return sum;
}

export const constant = (coefficient: Rational): Polynomial => polynomialOf([{ coefficient, factors: [] }]);

/** The number that a polynomial without atoms is. */
export function constantOf(polynomial: Polynomial): Rational | undefined {
  if (polynomial.size === 0) return zero;
  return polynomial.size === 1 ? polynomial.get("")?.coefficient : undefined;
}

export function addPolynomials(a: Polynomial, b: Polynomial, budget: WorkBudget): Polynomial {
  budget.spend(1 + a.size + b.size);
  return polynomialOf([...a.values(), ...b.values()]);
}

export function scale(a: Polynomial, by: Rational): Polynomial {
  return polynomialOf(
    [...a.values()].map((term) => ({ ...term, coefficient: multiplyRationals(term.coefficient, by) })),
  );
}

export function multiplyPolynomials(a: Polynomial, b: Polynomial, budget: WorkBudget): Polynomial {
  const terms: Term[] = [];
  for (const left of a.values())
    for (const right of b.values()) {
      const coefficient = multiplyRationals(left.coefficient, right.coefficient);
      terms.push(...productOf(coefficient, [...left.factors, ...right.factors], budget).values());
    }
  return polynomialOf(terms);
}

/** A coefficient times powers of atoms in normal form: √2·√2 is 2, i·i is -1, √(x+1)·√(x+1) is x+1. */
export function productOf(coefficient: Rational, factors: readonly Factor[], budget: WorkBudget): Polynomial {
  budget.spend(1 + factors.length);
  const exponents = new Map<string, Factor>();
  for (const { atom, exponent } of factors) {
    const earlier = exponents.get(atom.key)?.exponent ?? zero;
    exponents.set(atom.key, { atom, exponent: addRationals(earlier, exponent) });
  }
  let number = coefficient;
  const kept: Factor[] = [];
  const sums: Polynomial[] = [];
  for (const { atom, exponent } of exponents.values()) {
    const { whole, broken } = splitPower(atom, exponent);
    if (atom.integer !== undefined)
      number = multiplyRationals(number, rationalPower(rational(atom.integer), whole));
    else if (atom === imaginaryUnit) number = multiplyRationals(number, whole === 2n ? rational(-1n) : one);
    else if (atom.sum !== undefined && whole > 0n) sums.push(powerOfSum(atom.sum, whole, budget));
    if (!isZero(broken)) kept.push({ atom, exponent: broken });
  }
  kept.sort((a, b) => (a.atom.key < b.atom.key ? -1 : 1));
  const product = polynomialOf([{ coefficient: number, factors: kept }]);
  return sums.reduce((left, right) => multiplyPolynomials(left, right, budget), product);
}

/** The part of an exponent that leaves the atom, as an integer, and the part that stays. */
function splitPower(atom: Atom, exponent: Rational): { whole: bigint; broken: Rational } {
  const { numerator, denominator } = exponent;
  if (atom === imaginaryUnit) {
    if (!isInteger(exponent)) throw new NotUnderstood("a root of i");
    const rest = ((numerator % 4n) + 4n) % 4n;
    return { whole: rest >= 2n ? 2n : 0n, broken: rational(rest % 2n) };
  }
  if (atom.integer === undefined && atom.sum === undefined) return { whole: 0n, broken: exponent };
  const rest = ((numerator % denominator) + denominator) % denominator;
  const whole = (numerator - rest) / denominator;
  if (atom.sum !== undefined && whole < 0n) return { whole: 0n, broken: exponent };
  return { whole, broken: rational(rest, denominator) };
}

function powerOfSum(base: Polynomial, exponent: bigint, budget: WorkBudget): Polynomial {
  let result = constant(one);
  for (let i = 0n; i < exponent; i++) result = multiplyPolynomials(result, base, budget);
  return result;
}

/** A sum to a power above 0, by repeated multiplication. */
export function polynomialPower(base: Polynomial, exponent: bigint, budget: WorkBudget): Polynomial {
  const [first, ...others] = base.values();
  if (first === undefined || others.length > 0) return powerOfSum(base, exponent, budget);
  const factors = first.factors.map(({ atom, exponent: power }) => ({
    atom,
    exponent: multiplyRationals(power, rational(exponent)),
  }));
  return productOf(rationalPower(first.coefficient, exponent), factors, budget);
}

/** The values at the points of a comparison, in double precision. */
export function polynomialValues(polynomial: Polynomial): Samples {
  let sums = samplesOf(0);
  for (const { coefficient, factors } of polynomial.values()) {
    let products = samplesOf(toNumber(coefficient));
    for (const { atom, exponent } of factors) {
      const power = toNumber(exponent);
      products = products.map((product, point) => product * (atom.values[point] ?? Number.NaN) ** power);
    }
    sums = sums.map((sum, point) => sum + (products[point] ?? Number.NaN));
  }
  return sums;
}

export const hasOpaqueAtom = (polynomial: Polynomial) =>
  [...polynomial.values()].some(({ factors }) => factors.some(({ atom }) => atom.isOpaque === true));
