import type { Quotient } from "./algebra.ts";
import type { Polynomial } from "./polynomial.ts";

/** A number or an expression, with the unit that follows it. */
export interface ValueAnswer {
  readonly kind: "value";
  readonly value: Quotient;
  /** In one spelling (`unitOf`). */
  readonly unit: string | undefined;
  /** Whether a number in it has so many decimals that it may be a rounded one. */
  readonly mayBeRounded: boolean;
}

/** Several answers in any order: a set, a union, the two values of ±. */
export interface SetAnswer {
  readonly kind: "set";
  readonly items: readonly Answer[];
}

/** Answers in their order within brackets: a point, an interval. */
export interface TupleAnswer {
  readonly kind: "tuple";
  readonly open: string;
  readonly close: string;
  readonly items: readonly Answer[];
}

export interface MatrixAnswer {
  readonly kind: "matrix";
  /** Whether it stands for the matrix or for its determinant. */
  readonly environment: "matrix" | "determinant";
  readonly rows: readonly (readonly Answer[])[];
}

/** `x = 5`, `x \in [1,2]`, `x < 3`: a name and what it is. */
export interface NamedAnswer {
  readonly kind: "named";
  readonly name: string;
  readonly is: Answer;
  /** Left side minus right side, where both are expressions and equal. */
  readonly difference: Polynomial | undefined;
}

/** An equation or inequality whose left side is not a name: left minus right (of the larger one the smaller). */
export interface RelationAnswer {
  readonly kind: "relation";
  readonly relation: "=" | "<" | "<=" | "!=";
  readonly difference: Polynomial;
}

/** Words, and everything that is not understood. */
export interface TextAnswer {
  readonly kind: "text";
  readonly text: string;
}

export type Answer =
  | ValueAnswer
  | SetAnswer
  | TupleAnswer
  | MatrixAnswer
  | NamedAnswer
  | RelationAnswer
  | TextAnswer;
