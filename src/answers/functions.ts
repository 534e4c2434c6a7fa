import {
  type Algebra,
  absoluteAtom,
  isWholeNumber,
  numberValue,
  type Quotient,
  quotientKey,
  quotientValues,
  rationalOf,
} from "./algebra.ts";
import { NotUnderstood } from "./limits.ts";
import { type Atom, constantOf, imaginaryUnit } from "./polynomial.ts";
import { absolute, equalRationals, isInteger, one, type Rational, rational } from "./rational.ts";
import { noSamples, samplesOf, symbolSamples } from "./sample-values.ts";

export const constants = {
  pi: { key: "pi", values: samplesOf(Math.PI) },
  e: { key: "e", values: samplesOf(Math.E) },
} as const satisfies Record<string, Atom>;

/** A symbol of one letter or a command; `e` is Euler's number, `i` the imaginary unit. */
export function symbol(name: string): Atom {
  if (name === "e") return constants.e;
  if (name === "i") return imaginaryUnit;
  if (name === "infty") return { key: "infinity", values: noSamples };
  return { key: `$${name}`, values: symbolSamples(name) };
}

/** Whether an atom is a symbol, and no number. */
export const isSymbol = ({ key }: Atom) => key.startsWith("$");

const greek = new Set(
  "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell".split(
    " ",
  ),
);

export const isGreek = (name: string) => greek.has(name);

/** Functions of one number; those without a value here are only compared by their arguments. */
const numericFunctions: Readonly<Record<string, (x: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cot: (x) => 1 / Math.tan(x),
  sec: (x) => 1 / Math.cos(x),
  csc: (x) => 1 / Math.sin(x),
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  ln: Math.log,
  log: () => Number.NaN,
  exp: Math.exp,
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
};

export const functionNames: ReadonlySet<string> = new Set(Object.keys(numericFunctions));

/** Functions whose value of a fraction is a fraction. */
const exactFunctions: Readonly<Record<string, (x: Rational) => Rational>> = {
  abs: ({ numerator, denominator }) => rational(absolute(numerator), denominator),
  floor: (x) => rational(floor(x)),
  ceil: ({ numerator, denominator }) => rational(-floor(rational(-numerator, denominator))),
};

function floor({ numerator, denominator }: Rational): bigint {
  const rest = ((numerator % denominator) + denominator) % denominator;
  return (numerator - rest) / denominator;
}

/** A function of a value: a number where that is exact, else an atom that remembers its argument. */
export function applyFunction(name: string, argument: Quotient, algebra: Algebra, base?: Quotient): Quotient {
  if (name === "exp") return algebra.power(algebra.atom(constants.e), argument);
  const number = rationalOf(argument);
  const exact = exactFunctions[name];
  if (number !== undefined && exact !== undefined) return numberValue(exact(number));
  if (base !== undefined && name !== "log") throw new NotUnderstood("a subscript of a function");
  if (exact !== undefined && name !== "abs" && !isConstant(argument))
    throw new NotUnderstood(`${name} of an unknown`);
  const ofNumber = numericFunctions[name] ?? (() => Number.NaN);
  const bases = base && quotientValues(base);
  const values = quotientValues(argument).map((x, point) =>
    bases === undefined ? ofNumber(x) : Math.log(x) / Math.log(bases[point] ?? Number.NaN),
  );
  const symbolOfArgument = loneAtom(argument);
  if (name === "abs" && symbolOfArgument !== undefined) return algebra.atom(absoluteAtom(symbolOfArgument));
  const index = base === undefined ? "" : `_${quotientKey(base)}`;
  return algebra.atom({ key: `${name}${index}${quotientKey(argument)}`, values, isOpaque: true });
}

/** Whether a value is the same at all points of a comparison. */
function isConstant(value: Quotient): boolean {
  const [first, ...others] = quotientValues(value);
  return others.every((other) => other === first);
}

/** The symbol that a value is, or whose negative it is. */
function loneAtom({ top, bottom }: Quotient): Atom | undefined {
  const [term, ...others] = top.values();
  const [factor, ...further] = term?.factors ?? [];
  const isLone = others.length + further.length === 0 && constantOf(bottom) !== undefined;
  const isPlain =
    term !== undefined && absolute(term.coefficient.numerator) === 1n && isInteger(term.coefficient);
  return isLone && isPlain && factor !== undefined && equalRationals(factor.exponent, one)
    ? factor.atom
    : undefined;
}

const maxFactorial = 1000n;

/** n! of an integer from 0, or a symbol for it. */
export function factorial(value: Quotient, algebra: Algebra): Quotient {
  const number = rationalOf(value);
  if (number === undefined) return algebra.atom({ key: `factorial${quotientKey(value)}`, values: noSamples });
  if (!isWholeNumber(number) || number.numerator > maxFactorial) throw new NotUnderstood("a factorial");
  return numberValue(rational(productOfRange(1n, number.numerator)));
}

/** n over k of integers from 0, or a symbol for it. */
export function binomial(from: Quotient, taken: Quotient, algebra: Algebra): Quotient {
  const [n, k] = [rationalOf(from), rationalOf(taken)];
  if (n === undefined || k === undefined)
    return algebra.atom({ key: `binomial${quotientKey(from)}${quotientKey(taken)}`, values: noSamples });
  if (!isWholeNumber(n) || !isWholeNumber(k) || n.numerator > maxFactorial)
    throw new NotUnderstood("a binomial coefficient");
  if (k.numerator > n.numerator) return numberValue(rational(0n));
  return numberValue(
    rational(productOfRange(n.numerator - k.numerator + 1n, n.numerator), productOfRange(1n, k.numerator)),
  );
}

function productOfRange(first: bigint, last: bigint): bigint {
  let product = 1n;
  for (let i = first; i <= last; i++) product *= i;
  return product;
}
