import { type Algebra, numberValue, type Quotient, rationalOf } from "./algebra.ts";
import {
  applyFunction,
  binomial,
  constants,
  factorial,
  functionNames,
  isGreek,
  symbol,
} from "./functions.ts";
import type { Token } from "./latex-tokens.ts";
import { maxDepth, NotUnderstood } from "./limits.ts";
import { parseDecimal, rational, recurringDecimal } from "./rational.ts";

/** Commands that make another symbol of one. */
const decorations = new Set(["mathbb", "mathcal", "vec", "bar", "hat", "overline", "overrightarrow"]);

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "|": "|" };

/** Reads tokens as one expression. The sign is what `\pm` stands for. */
export class ExpressionParser {
  private readonly tokens: Token[];
  private readonly algebra: Algebra;
  private readonly plusMinus: 1 | -1;
  private position = 0;
  private depth = 0;

  constructor(tokens: readonly Token[], algebra: Algebra, plusMinus: 1 | -1) {
    this.tokens = [...tokens];
    this.algebra = algebra;
    this.plusMinus = plusMinus;
  }

  /** @throws NotUnderstood when the tokens are not one expression */
  parse(): Quotient {
    const value = this.sum();
    if (this.position < this.tokens.length) throw new NotUnderstood("something after an expression");
    return value;
  }

  private get next(): Token | undefined {
    return this.tokens[this.position];
  }

  /** Whether the next token is this mark or command; it is then taken. */
  private take(kind: Token["kind"], ...texts: string[]): string | undefined {
    const { next } = this;
    if (next?.kind !== kind || !texts.includes(next.text)) return undefined;
    this.position++;
    return next.text;
  }

  private expect(mark: string): void {
    if (this.take("mark", mark) === undefined) throw new NotUnderstood(`no ${mark}`);
  }

  /** The sign before a term: 1 or -1, or undefined where there is none. */
  private sign(): 1 | -1 | undefined {
    const mark = this.take("mark", "+", "-") ?? this.take("command", "pm", "mp");
    if (mark === undefined) return undefined;
    if (mark === "+") return 1;
    if (mark === "-") return -1;
    return mark === "pm" ? this.plusMinus : this.plusMinus === 1 ? -1 : 1;
  }

  private signed(sign: 1 | -1, value: Quotient): Quotient {
    return sign === 1 ? value : this.algebra.negate(value);
  }

  private sum(): Quotient {
    let total = this.signed(this.sign() ?? 1, this.product());
    for (let sign = this.sign(); sign !== undefined; sign = this.sign())
      total = this.algebra.add(total, this.signed(sign, this.product()));
    return total;
  }

  private product(): Quotient {
    let total = this.mixedNumber() ?? this.factor();
    for (;;) {
      if (this.take("command", "cdot", "times", "ast"))
        total = this.algebra.multiply(total, this.signed(this.sign() ?? 1, this.factor()));
      else if (this.take("mark", "/") ?? this.take("command", "div"))
        total = this.algebra.divide(total, this.signed(this.sign() ?? 1, this.factor()));
      else if (this.startsFactor()) total = this.algebra.multiply(total, this.factor());
      else return total;
    }
  }

  /** Whether a factor follows without a sign between. A number after another or after a symbol is no factor. */
  private startsFactor(): boolean {
    const { next } = this;
    if (next === undefined || next.kind === "words") return false;
    if (next.kind === "number") {
      const before = this.tokens[this.position - 1];
      if (before?.kind === "number" || before?.kind === "symbol")
        throw new NotUnderstood("a number after a number or a symbol");
      return true;
    }
    if (next.kind === "symbol") return true;
    if (next.kind === "mark") return /^[([{]$/.test(next.text);
    return !/^(?:cdot|times|ast|div|pm|mp|rfloor|rceil|rangle|end)$/.test(next.text);
  }

  /** `2\frac12` or `2 1/2`: an integer and a fraction below 1. */
  private mixedNumber(): Quotient | undefined {
    const start = this.position;
    const whole = this.integer();
    const fraction = whole === undefined ? undefined : this.properFraction();
    if (whole !== undefined && fraction !== undefined)
      return this.algebra.add(numberValue(rational(whole)), fraction);
    this.position = start;
    return undefined;
  }

  private integer(): bigint | undefined {
    const { next } = this;
    if (next?.kind !== "number" || !/^\d+$/.test(next.text)) return undefined;
    this.position++;
    return BigInt(next.text);
  }

  private properFraction(): Quotient | undefined {
    let [top, bottom]: (bigint | undefined)[] = [];
    if (this.take("command", "frac")) [top, bottom] = [this.integerArgument(), this.integerArgument()];
    else {
      top = this.next?.spaced ? this.integer() : undefined;
      bottom = this.take("mark", "/") ? this.integer() : undefined;
    }
    if (top === undefined || bottom === undefined || top >= bottom) return undefined;
    return numberValue(rational(top, bottom));
  }

  /** An integer in braces, or one digit. */
  private integerArgument(): bigint | undefined {
    if (!this.take("mark", "{")) return this.next?.kind === "number" ? this.firstDigit() : undefined;
    const value = this.integer();
    return this.take("mark", "}") ? value : undefined;
  }

  /** Takes the first digit of a number, as TeX does for an argument without braces. */
  private firstDigit(): bigint | undefined {
    const { next } = this;
    const digit = next?.text[0];
    if (next === undefined || digit === undefined || !/^\d+$/.test(next.text)) return undefined;
    const rest = next.text.slice(1);
    if (rest === "") this.position++;
    else this.tokens[this.position] = { ...next, text: rest };
    return BigInt(digit);
  }

  private factor(): Quotient {
    let value = this.primary();
    for (;;) {
      if (this.take("mark", "^")) value = this.algebra.power(value, this.exponent());
      else if (this.take("mark", "!")) value = factorial(value, this.algebra);
      else if (this.take("mark", "%")) value = this.algebra.divide(value, numberValue(rational(100n)));
      else if (this.take("mark", "°"))
        value = this.algebra.multiply(this.algebra.divide(value, numberValue(rational(180n))), this.pi());
      else return value;
    }
  }

  private pi(): Quotient {
    return this.algebra.atom(constants.pi);
  }

  /** An exponent without braces may be a number of several digits: `10^12` is never meant as TeX sets it. */
  private exponent(): Quotient {
    return this.next?.text === "{" ? this.group("{") : this.signed(this.sign() ?? 1, this.primary());
  }

  /** What a command is applied to: a group in braces, a digit, or a symbol. */
  private argument(): Quotient {
    if (this.next?.text === "{") return this.group("{");
    const digit = this.next?.kind === "number" ? this.firstDigit() : undefined;
    return digit === undefined ? this.primary() : numberValue(rational(digit));
  }

  /** @throws NotUnderstood where brackets do not match, or are nested too deeply */
  private group(open: "(" | "[" | "{" | "|"): Quotient {
    this.expect(open);
    const value = this.nested(() => this.sum());
    this.expect(closing[open] ?? "");
    return value;
  }

  /** A group in braces that no command takes. @throws NotUnderstood where digits stand next to its own: `1{2}3` is no product */
  private bareGroup(): Quotient {
    const isNumber = (position: number) => this.tokens[position]?.kind === "number";
    const start = this.position;
    const value = this.group("{");
    const end = this.position;
    if ((isNumber(start - 1) && isNumber(start + 1)) || (isNumber(end - 2) && isNumber(end)))
      throw new NotUnderstood("digits next to digits in braces");
    return value;
  }

  private nested<T>(read: () => T): T {
    if (++this.depth > maxDepth) throw new NotUnderstood("brackets are nested too deeply");
    const value = read();
    this.depth--;
    return value;
  }

  private primary(): Quotient {
    const { next } = this;
    if (next === undefined) throw new NotUnderstood("an expression that ends early");
    const { kind, text } = next;
    if (kind === "mark") {
      if (text === "{") return this.bareGroup();
      if (text === "(" || text === "[") return this.group(text);
      if (text === "|") return applyFunction("abs", this.group("|"), this.algebra);
      throw new NotUnderstood(`an unexpected ${text}`);
    }
    if (kind === "words") throw new NotUnderstood("words in an expression");
    this.position++;
    if (kind === "number") return this.number(text);
    return kind === "symbol" ? this.symbol(text) : this.nested(() => this.command(text));
  }

  /** A number, with decimals that recur or the base of its digits. */
  private number(text: string): Quotient {
    const { next } = this;
    if (next?.kind === "command" && next.text === "overline" && text.includes(".")) {
      this.position++;
      this.expect("{");
      const period = this.next;
      this.position++;
      this.expect("}");
      if (period === undefined || !/^\d+$/.test(period.text)) throw new NotUnderstood("decimals that recur");
      return numberValue(recurringDecimal(text, period.text));
    }
    const base = this.subscript();
    return base === "" ? numberValue(parseDecimal(text)) : this.algebra.atom(symbol(text + base));
  }

  private symbol(name: string): Quotient {
    const subscript = this.subscript();
    const primes = this.take("mark", "'") ?? "";
    return this.algebra.atom(symbol(name + subscript + primes));
  }

  /** The text of a subscript; empty where there is none. */
  private subscript(): string {
    if (!this.take("mark", "_")) return "";
    return `_${this.textOfGroup()}`;
  }

  /** The tokens of a group in braces, or the one that follows, as text. */
  private textOfGroup(): string {
    const first = this.next;
    this.position++;
    if (first?.text !== "{") return first?.text ?? "";
    let text = "";
    for (let depth = 1; ; this.position++) {
      const { next } = this;
      if (next === undefined) throw new NotUnderstood("a brace that is not closed");
      if (next.text === "{") depth++;
      if (next.text === "}" && --depth === 0) break;
      text += next.text;
    }
    this.position++;
    return text;
  }

  private command(name: string): Quotient {
    if (name === "frac") {
      const top = this.argument();
      return this.algebra.divide(top, this.argument());
    }
    if (name === "sqrt") return this.root();
    if (name === "binom" || name === "dbinom" || name === "tbinom") {
      const from = this.argument();
      return binomial(from, this.argument(), this.algebra);
    }
    if (name === "lfloor" || name === "lceil") {
      const value = this.sum();
      if (!this.take("command", "rfloor", "rceil")) throw new NotUnderstood("no closing bracket");
      return applyFunction(name === "lfloor" ? "floor" : "ceil", value, this.algebra);
    }
    if (functionNames.has(name)) return this.functionCall(name);
    if (name === "pi") return this.pi();
    if (decorations.has(name)) return this.symbol(`${name} ${this.textOfGroup()}`);
    if (name === "infty" || isGreek(name)) return this.symbol(name);
    throw new NotUnderstood(`the command \\${name}`);
  }

  private root(): Quotient {
    const degree = this.next?.text === "[" ? this.group("[") : numberValue(rational(2n));
    const isBraced = this.next?.text === "{";
    const base = isBraced ? this.group("{") : this.primary();
    return this.algebra.power(base, this.algebra.divide(numberValue(rational(1n)), degree));
  }

  /** `\sin x`, `\sin(x)`, `\sin^2 x`, `\log_2 8`: the argument ends before a sum or another function. */
  private functionCall(name: string): Quotient {
    const base = this.take("mark", "_") ? this.argument() : undefined;
    const exponent = this.take("mark", "^") ? this.exponent() : undefined;
    const value = applyFunction(name, this.functionArgument(), this.algebra, base);
    if (exponent === undefined) return value;
    if (rationalOf(exponent)?.numerator === -1n) throw new NotUnderstood("an inverse function");
    return this.algebra.power(value, exponent);
  }

  private functionArgument(): Quotient {
    const isBracketed = this.next?.text === "(" || this.next?.text === "{";
    let value = this.factor();
    const isFunction = () => this.next?.kind === "command" && functionNames.has(this.next.text);
    if (!isBracketed)
      while (this.startsFactor() && !isFunction() && this.next?.text !== "(")
        value = this.algebra.multiply(value, this.factor());
    return value;
  }
}
