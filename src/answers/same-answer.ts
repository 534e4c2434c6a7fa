import { Algebra, numberValue, type Quotient, ratioOf } from "./algebra.ts";
import type { Answer, NamedAnswer, RelationAnswer, ValueAnswer } from "./answer.ts";
import { constants } from "./functions.ts";
import { cleanLatex, tokenize } from "./latex-tokens.ts";
import { maxCharacters, NotUnderstood, WorkBudget } from "./limits.ts";
import { AnswerParser } from "./parse-answer.ts";
import { ExpressionParser } from "./parse-expression.ts";
import { rational } from "./rational.ts";
import { textOf } from "./token-groups.ts";

/**
 * Whether two final answers in LaTeX mean the same: numbers, expressions, points, intervals, sets, matrices, equations and
 * inequalities by exact arithmetic, everything else by its text. Units that differ are not equal; one that is missing is.
 * Time and memory are bounded for any input: where multiplying out the powers of sums takes too long, as of `(x+1)^{60}`, the
 * answers are compared once more with these powers as they are.
 */
export function isSameAnswer(a: string, b: string): boolean {
  if (a === b) return true;
  if (Math.max(a.length, b.length) > maxCharacters) return false;
  const [first, second] = [cleanLatex(a), cleanLatex(b)];
  if (first === second) return true;
  const budget = new WorkBudget();
  if (haveSameReading(first, second, new Algebra(budget), budget)) return true;
  if (!budget.isSpent) return false;
  const renewed = new WorkBudget();
  return haveSameReading(first, second, new Algebra(renewed, { keepsPowers: true }), renewed);
}

function haveSameReading(a: string, b: string, algebra: Algebra, budget: WorkBudget): boolean {
  try {
    const [left, right] = [readingsOf(a, algebra), readingsOf(b, algebra)];
    if (left.some((x) => right.some((y) => x.text === y.text))) return true;
    const comparison = new Comparison(algebra, budget);
    return left.some((x) => right.some((y) => comparison.same(x.answer, y.answer)));
  } catch (error) {
    if (error instanceof NotUnderstood) return false;
    throw error;
  }
}

interface Reading {
  readonly text: string;
  readonly answer: Answer;
}

/** `100,200` is one number or a list of two: both readings. */
function readingsOf(text: string, algebra: Algebra): Reading[] {
  const isAmbiguous = /\d,[1-9]\d\d(?!\d)/.test(text) && !/\d,0/.test(text);
  return (isAmbiguous ? [true, false] : [true]).map((grouping) => {
    const tokens = tokenize(text, grouping);
    return { text: textOf(tokens), answer: new AnswerParser(algebra).parse(tokens) };
  });
}

class Comparison {
  private readonly algebra: Algebra;
  private readonly budget: WorkBudget;

  constructor(algebra: Algebra, budget: WorkBudget) {
    this.algebra = algebra;
    this.budget = budget;
  }

  same(a: Answer, b: Answer): boolean {
    this.budget.spend(1);
    if (a.kind === "named") return this.sameNamed(a, b);
    if (b.kind === "named") return this.sameNamed(b, a);
    if (a.kind === "set" || b.kind === "set") return this.sameSet(itemsOf(a), itemsOf(b));
    if (a.kind === "value" && b.kind === "value") return this.sameValue(a, b);
    if (a.kind === "tuple" && b.kind === "tuple")
      return a.open === b.open && a.close === b.close && this.sameLists(a.items, b.items);
    if (a.kind === "matrix" && b.kind === "matrix")
      return (
        a.environment === b.environment &&
        a.rows.length === b.rows.length &&
        a.rows.every((row, i) => this.sameLists(row, b.rows[i] ?? []))
      );
    if (a.kind === "relation" && b.kind === "relation") return sameRelation(a, b);
    return a.kind === "text" && b.kind === "text" && a.text === b.text;
  }

  /** `x = 5` is 5, but not `y = 5`; `y = 2x` is `2x - y = 0`. */
  private sameNamed(a: NamedAnswer, b: Answer): boolean {
    const isMultiple =
      (b.kind === "named" || (b.kind === "relation" && b.relation === "=")) &&
      a.difference !== undefined &&
      b.difference !== undefined &&
      ratioOf(a.difference, b.difference) !== undefined;
    if (isMultiple) return true;
    return b.kind === "named" ? a.name === b.name && this.same(a.is, b.is) : this.same(a.is, b);
  }

  private sameSet(a: readonly Answer[], b: readonly Answer[]): boolean {
    const isIn = (item: Answer, set: readonly Answer[]) => set.some((other) => this.same(item, other));
    return a.every((item) => isIn(item, b)) && b.every((item) => isIn(item, a));
  }

  private sameLists(a: readonly Answer[], b: readonly Answer[]): boolean {
    return (
      a.length === b.length &&
      a.every((item, i) => {
        const other = b[i];
        return other !== undefined && this.same(item, other);
      })
    );
  }

  /** 50 % is 50 and 0.5, 90° is 90 and π/2, as either is how problems ask for it. */
  private sameValue(a: ValueAnswer, b: ValueAnswer): boolean {
    if (a.unit !== undefined && b.unit !== undefined && a.unit !== b.unit) return false;
    const equal = (x: Quotient, y: Quotient) => this.algebra.equal(x, y, !a.mayBeRounded && !b.mayBeRounded);
    if (equal(a.value, b.value)) return true;
    if (a.unit === b.unit) return false;
    return equal(this.withoutUnit(a), this.withoutUnit(b)) || equal(this.timesUnit(a), this.timesUnit(b));
  }

  /** `5\text{ m}` as `5m` is read: a product with a symbol. */
  private timesUnit({ value, unit }: ValueAnswer): Quotient {
    if (unit === undefined || !/^[a-z](?:\^\d)?(?:\/[a-z](?:\^\d)?)?$/.test(unit)) return value;
    return this.algebra.multiply(value, new ExpressionParser(tokenize(unit, false), this.algebra, 1).parse());
  }

  private withoutUnit({ value, unit }: ValueAnswer): Quotient {
    if (unit === "%") return this.algebra.divide(value, numberValue(rational(100n)));
    if (unit !== "°") return value;
    const share = this.algebra.divide(value, numberValue(rational(180n)));
    return this.algebra.multiply(share, this.algebra.atom(constants.pi));
  }
}

const itemsOf = (answer: Answer): readonly Answer[] => (answer.kind === "set" ? answer.items : [answer]);

/** Equal up to a factor, which is above 0 for an inequality. */
function sameRelation(a: RelationAnswer, b: RelationAnswer): boolean {
  if (a.relation !== b.relation) return false;
  const ratio = ratioOf(a.difference, b.difference);
  const keepsDirection = a.relation === "=" || a.relation === "!=";
  return ratio !== undefined && (keepsDirection || ratio.numerator > 0n);
}
