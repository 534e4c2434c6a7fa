import { type Algebra, numberValue, type Quotient } from "./algebra.ts";
import type { Answer, SetAnswer, TupleAnswer } from "./answer.ts";
import { type Token, tokenize } from "./latex-tokens.ts";
import { maxDepth, NotUnderstood } from "./limits.ts";
import { ExpressionParser } from "./parse-expression.ts";
import { parseRelation } from "./parse-relation.ts";
import { rational } from "./rational.ts";
import { splitUnit } from "./split-unit.ts";
import {
  bracketsAround,
  isCommand,
  isMark,
  matrixCells,
  splitAtTop,
  textOf,
  unwrap,
} from "./token-groups.ts";

/** Reads an answer. What is not understood, as a whole or within a list, is its text. */
export class AnswerParser {
  private readonly algebra: Algebra;
  private depth = 0;

  constructor(algebra: Algebra) {
    this.algebra = algebra;
  }

  parse(wrapped: readonly Token[]): Answer {
    const tokens = unwrap(wrapped);
    const items = splitAtTop(tokens, isSeparator).filter((item) => item.length > 0);
    if (items.length > 1) return this.setOf(items);
    const parts = splitAtTop(items[0] ?? [], (token) => isCommand(token, "cup"));
    return parts.length > 1 ? this.setOf(parts) : this.item(parts[0] ?? []);
  }

  private setOf(items: readonly (readonly Token[])[]): SetAnswer {
    return { kind: "set", items: items.map((item) => this.parse(item)) };
  }

  private item(wrapped: readonly Token[]): Answer {
    const tokens = plainWords(unwrap(wrapped));
    if (isWord(tokens)) return { kind: "text", text: textOf(tokens) };
    try {
      if (++this.depth > maxDepth) throw new NotUnderstood("brackets are nested too deeply");
      return (
        parseRelation(tokens, this.algebra, {
          answer: (part) => this.parse(part),
          expression: (part) => this.expression(part),
        }) ??
        this.bracketed(tokens) ??
        this.matrix(tokens) ??
        this.ratio(tokens) ??
        this.value(tokens)
      );
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return { kind: "text", text: textOf(tokens) };
    } finally {
      this.depth--;
    }
  }

  /** A set, a point or an interval; undefined for one value in round or square brackets. */
  private bracketed(tokens: readonly Token[]): SetAnswer | TupleAnswer | undefined {
    if (tokens.length === 1 && isCommand(tokens[0], "emptyset")) return { kind: "set", items: [] };
    const brackets = bracketsAround(tokens);
    if (brackets === undefined || brackets.open === "begin") return undefined;
    const { open, close, inner } = brackets;
    if (open === "\\{") {
      const condition = splitAtTop(inner, (token) => isMark(token, "|", ":"));
      const [, described] = condition;
      if (condition.length === 2 && described !== undefined) return this.setOf([described]);
      return this.setOf(splitAtTop(inner, isSeparator).filter((item) => item.length > 0));
    }
    const items = splitAtTop(inner, isSeparator);
    if (items.length < 2) return undefined;
    const [first, last] = open === "langle" ? ["(", ")"] : [open, close];
    return { kind: "tuple", open: first, close: last, items: items.map((item) => this.parse(item)) };
  }

  private matrix(tokens: readonly Token[]): Answer | undefined {
    const cells = matrixCells(tokens);
    if (cells === undefined) return undefined;
    const environment = /^[vV]/.test(cells.environment) ? "determinant" : "matrix";
    return {
      kind: "matrix",
      environment,
      rows: cells.rows.map((row) => row.map((cell) => this.item(cell))),
    };
  }

  /** `3:4` is 3/4, but `2:30` a time; of three and more parts only the order counts. */
  private ratio(tokens: readonly Token[]): Answer | undefined {
    const parts = splitAtTop(tokens, (token) => isMark(token, ":"));
    const [first = [], second = []] = parts;
    if (parts.length < 2) return undefined;
    if (parts.length > 2)
      return { kind: "tuple", open: ":", close: ":", items: parts.map((part) => this.item(part)) };
    if (/^[0-5]\d$/.test(textOf(second))) throw new NotUnderstood("a time");
    const value = this.algebra.divide(this.expression(first), this.expression(second));
    return { kind: "value", value, unit: undefined, mayBeRounded: false };
  }

  private value(tokens: readonly Token[]): Answer {
    const { value, unit } = splitUnit(tokens);
    const factor = numberValue(rational(unit.factor));
    const mayBeRounded = tokens.some(({ kind, text }) => kind === "number" && longDecimals.test(text));
    const valueWith = (sign: 1 | -1): Answer => ({
      kind: "value",
      value: this.algebra.multiply(this.expression(value, sign), factor),
      unit: unit.name,
      mayBeRounded,
    });
    if (!value.some((token) => isCommand(token, "pm", "mp"))) return valueWith(1);
    return { kind: "set", items: [valueWith(1), valueWith(-1)] };
  }

  /** Infinity is only understood alone, with a sign. */
  private expression(tokens: readonly Token[], plusMinus: 1 | -1 = 1): Quotient {
    const [first, ...others] = tokens;
    const unsigned = isMark(first, "+", "-") ? others : tokens;
    if (unsigned.length > 1 && unsigned.some((token) => isCommand(token, "infty")))
      throw new NotUnderstood("arithmetic with infinity");
    return new ExpressionParser(tokens, this.algebra, plusMinus).parse();
  }
}

/** More decimals than a number has that is exact by chance to the ten digits of a comparison by value. */
const longDecimals = /\.\d{7}/;

const isSeparator = (token: Token) =>
  isMark(token, ",", ";") || (token.kind === "words" && /^(?:and|or)$/.test(token.text));

/** Whether letters that stand alone are a word or a name, such as `IV` or `red`, and no product. */
function isWord(tokens: readonly Token[]): boolean {
  if (!tokens.every(({ kind, spaced }, i) => kind === "symbol" && !(i > 0 && spaced))) return false;
  const letters = tokens.map(({ text }) => text).join("");
  return /^[A-Z]{2,}$/.test(letters) || (letters.length > 2 && /[aeiou]/i.test(letters));
}

/** A single letter in a command for words is a symbol; words with digits are read like an answer. */
function plainWords(tokens: readonly Token[]): readonly Token[] {
  const [first, ...others] = tokens;
  if (first?.kind !== "words" || others.length > 0) return tokens;
  const letter = /^\(?([A-Za-z])\)?$/.exec(first.text)?.[1];
  if (letter !== undefined) return [{ kind: "symbol", text: letter, spaced: false }];
  if (/^[A-Z]+$/.test(first.text)) return [{ kind: "symbol", text: first.text, spaced: false }];
  return /\d/.test(first.text) ? tokenize(first.text, true) : tokens;
}
