import { functionNames } from "./functions.ts";
import type { Token } from "./latex-tokens.ts";
import { isMark } from "./token-groups.ts";
import { type Unit, unitOf } from "./units.ts";

/**
 * Splits `5\text{ cm}^2`, `50\%`, `90^\circ` or `\$5` into what is measured and its unit.
 * @throws NotUnderstood where what follows the value is no unit
 */
export function splitUnit(tokens: readonly Token[]): { value: readonly Token[]; unit: Unit } {
  const isDollar = isMark(tokens[0], "\\$");
  const amount = isDollar ? tokens.slice(1) : tokens;
  const start = startOfUnit(amount);
  const words = amount.slice(start).map(({ text }) => text);
  return {
    value: amount.slice(0, start),
    unit: unitOf([...(isDollar ? ["dollar"] : []), ...words].join(" ")),
  };
}

/** The index at which the unit begins; the number of tokens where there is none. */
function startOfUnit(tokens: readonly Token[]): number {
  const begins = hasFunction(tokens) ? isWords : (token: Token) => isWords(token) || isSignOfUnit(token);
  const start = tokens.findIndex((token, i) => i > 0 && begins(token) && tokens.slice(i).every(mayBeInUnit));
  return start < 0 ? tokens.length : start;
}

/** Whether degrees may belong to the argument of a function, as in `\sin 30^\circ`. */
const hasFunction = (tokens: readonly Token[]) =>
  tokens.some(({ kind, text }) => kind === "command" && functionNames.has(text));

const isWords = (token: Token) => token.kind === "words";
const isSignOfUnit = (token: Token) => isMark(token, "°", "%");

const mayBeInUnit = (token: Token) =>
  isWords(token) || isSignOfUnit(token) || token.kind === "number" || isMark(token, "^", "/", "{", "}", ".");
