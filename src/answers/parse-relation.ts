import { type Algebra, numberValue, type Quotient } from "./algebra.ts";
import type { Answer, RelationAnswer } from "./answer.ts";
import { isSymbol, symbol } from "./functions.ts";
import type { Token } from "./latex-tokens.ts";
import { NotUnderstood } from "./limits.ts";
import { constantOf, type Polynomial } from "./polynomial.ts";
import {
  equalRationals,
  multiplyRationals,
  one,
  type Rational,
  rational,
  rationalPower,
  zero,
} from "./rational.ts";
import { isCommand, isMark, splitAtTop, textOf } from "./token-groups.ts";

type Tokens = readonly Token[];

/** Readers of the sides of a relation. */
interface SideReaders {
  answer(tokens: Tokens): Answer;
  expression(tokens: Tokens): Quotient;
}

type Relation = "=" | "<" | "<=" | ">" | ">=" | "!=" | "in";

function relationOf(token: Token): Relation | undefined {
  if (isMark(token, "=")) return "=";
  if (isMark(token, "<")) return "<";
  if (isMark(token, ">")) return ">";
  if (isCommand(token, "le")) return "<=";
  if (isCommand(token, "ge")) return ">=";
  if (isCommand(token, "ne")) return "!=";
  return isCommand(token, "in") ? "in" : undefined;
}

/**
 * Reads an equation, a membership or an inequality; undefined for tokens without a relation. What follows `\approx` is left
 * out, unless only a name is before it.
 */
export function parseRelation(tokens: Tokens, algebra: Algebra, read: SideReaders): Answer | undefined {
  const [exact = [], rounded] = splitAtTop(tokens, (token) => isCommand(token, "approx"));
  if (rounded !== undefined)
    return isName(exact) ? named(exact, rounded, undefined, read) : read.answer(exact);
  const relations: Relation[] = [];
  const sides = splitAtTop(tokens, (token) => {
    const relation = relationOf(token);
    if (relation !== undefined) relations.push(relation);
    return relation !== undefined;
  });
  const [first] = relations;
  if (first === undefined) return undefined;
  if (relations.every((relation) => relation === "=")) return equation(sides, algebra, read);
  if (relations.length === 1 && first === "in") return named(sides[0] ?? [], sides[1] ?? [], undefined, read);
  return inequality(sides, relations, algebra, read);
}

/** Of `2+3 = 5` and of longer chains the answer is the last side; of `x = 5` it is 5 with a name. */
function equation(sides: readonly Tokens[], algebra: Algebra, read: SideReaders): Answer {
  const [left = [], right = []] = [sides[0], sides.at(-1)];
  const difference = tryDifference(left, right, algebra, read);
  if (left.length === 0) return read.answer(right);
  if (isName(left)) return named(left, right, difference, read);
  if (isName(right) && sides.length === 2) return named(right, left, difference, read);
  if (sides.length > 2 || difference?.size === 0) return read.answer(right);
  if (difference === undefined) throw new NotUnderstood("an equation");
  return { kind: "relation", relation: "=", difference };
}

function named(name: Tokens, is: Tokens, difference: Polynomial | undefined, read: SideReaders): Answer {
  const text = textOf(name);
  const isApplied = text.includes("(");
  return {
    kind: "named",
    name: text,
    is: read.answer(is),
    difference: isApplied ? undefined : difference,
  };
}

/** `x`, `x_1`, `AB`, `f(x)`, `\theta`; `f(2)`, `P(A)`; `\angle ABC`; `(x,y)`. */
const names = [
  /^(?:[A-Za-z]+|\\[a-z]+ )(?:_\{?\w+\}?)?'?(?:\^\{?-1\}?)?(?:\([a-z]\))?$/,
  /^[fghpqEFGHP]'?(?:\^\{?-1\}?)?\([^()]+\)$/,
  /^m?\\(?:angle|overline) \{?[A-Z]+\}?$/,
  /^\([a-z](?:,[a-z])+\)$/,
];

/** Whether tokens only name what the other side says: words, or one of `names`. */
function isName(tokens: Tokens): boolean {
  const text = textOf(tokens);
  return names.some((name) => name.test(text)) || tokens.every(({ kind }) => kind === "words");
}

function tryDifference(
  left: Tokens,
  right: Tokens,
  algebra: Algebra,
  read: SideReaders,
): Polynomial | undefined {
  try {
    return differenceOf(left, right, algebra, read);
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

/**
 * Left side minus right side. @throws NotUnderstood where it has a denominator: multiplying by that could turn an inequality
 * round, or add a solution
 */
function differenceOf(left: Tokens, right: Tokens, algebra: Algebra, read: SideReaders): Polynomial {
  const { top, bottom } = algebra.subtract(read.expression(left), read.expression(right));
  if (top.size > 0 && constantOf(bottom) === undefined) throw new NotUnderstood("a relation of quotients");
  return top;
}

/** `x < 3` and `1 < x <= 3` are intervals; other inequalities keep the difference of their sides. */
function inequality(
  sides: readonly Tokens[],
  relations: readonly Relation[],
  algebra: Algebra,
  read: SideReaders,
): Answer {
  const isReversed = relations[0] === ">" || relations[0] === ">=";
  const ordered = isReversed ? sides.toReversed() : sides;
  const signs = (isReversed ? relations.toReversed() : relations).map((sign) => upwards(sign, isReversed));
  const [low = [], middle = [], high] = ordered;
  const [first, second] = signs;
  if (first === undefined) throw new NotUnderstood("an inequality");
  if (high !== undefined) {
    if (signs.length > 2 || second === undefined || !isName(middle)) throw new NotUnderstood("an inequality");
    return interval(textOf(middle), [first, read.answer(low)], [second, read.answer(high)]);
  }
  const unbounded = (sign: 1 | -1): Answer => infinity(algebra, sign);
  if (first !== "!=" && isName(low))
    return interval(textOf(low), ["<", unbounded(-1)], [first, read.answer(middle)]);
  if (first !== "!=" && isName(middle))
    return interval(textOf(middle), [first, read.answer(low)], ["<", unbounded(1)]);
  const difference = differenceOf(middle, low, algebra, read);
  const solved = first === "!=" ? undefined : solveLinear(difference);
  if (solved === undefined) return { kind: "relation", relation: first, difference };
  const [bound, infinite]: [Bound, Bound] = [
    [first, numberAnswer(solved.bound)],
    ["<", unbounded(solved.isLower ? 1 : -1)],
  ];
  return solved.isLower ? interval(solved.name, bound, infinite) : interval(solved.name, infinite, bound);
}

/** What is to be above 0, as a bound of its only symbol: `6 - 2x` says that x is below 3. */
function solveLinear(
  difference: Polynomial,
): { name: string; bound: Rational; isLower: boolean } | undefined {
  const terms = [...difference.values()];
  const symbols = terms.filter(({ factors }) => factors.length > 0);
  const [term, ...others] = symbols;
  const [factor, ...further] = term?.factors ?? [];
  if (term === undefined || factor === undefined || others.length + further.length > 0) return undefined;
  if (!isSymbol(factor.atom) || !equalRationals(factor.exponent, one)) return undefined;
  const rest = difference.get("")?.coefficient ?? zero;
  const bound = multiplyRationals(
    rest,
    rationalPower(multiplyRationals(term.coefficient, rational(-1n)), -1n),
  );
  return { name: factor.atom.key.slice(1), bound, isLower: term.coefficient.numerator > 0n };
}

/** The relation read from the smaller side. @throws NotUnderstood for a mixture of directions */
function upwards(relation: Relation, isReversed: boolean): RelationAnswer["relation"] {
  const [less, atMost] = isReversed ? [">", ">="] : ["<", "<="];
  if (relation === less) return "<";
  if (relation === atMost) return "<=";
  if (relation === "!=") return relation;
  throw new NotUnderstood("relations of two directions");
}

type Bound = readonly [relation: RelationAnswer["relation"], bound: Answer];

function interval(name: string, [below, low]: Bound, [above, high]: Bound): Answer {
  const [open, close] = [below === "<" ? "(" : "[", above === "<" ? ")" : "]"];
  const is: Answer = { kind: "tuple", open, close, items: [low, high] };
  return { kind: "named", name, is, difference: undefined };
}

const numberAnswer = (number: Rational): Answer => ({
  kind: "value",
  value: numberValue(number),
  unit: undefined,
  mayBeRounded: false,
});

/** The end of an interval without a bound. */
function infinity(algebra: Algebra, sign: 1 | -1): Answer {
  const value = algebra.atom(symbol("infty"));
  return {
    kind: "value",
    value: sign === 1 ? value : algebra.negate(value),
    unit: undefined,
    mayBeRounded: false,
  };
}
