import type { Token } from "./latex-tokens.ts";
import { NotUnderstood } from "./limits.ts";

export const isMark = (token: Token | undefined, ...marks: string[]) =>
  token?.kind === "mark" && marks.includes(token.text);

export const isCommand = (token: Token | undefined, ...names: string[]) =>
  token?.kind === "command" && names.includes(token.text);

const opens = (token: Token) => isMark(token, "(", "[", "{", "\\{") || isCommand(token, "langle", "begin");
const closes = (token: Token) => isMark(token, ")", "]", "}", "\\}") || isCommand(token, "rangle", "end");

/** The depth of brackets at each token, on their outer side for the brackets themselves. */
function depths(tokens: readonly Token[]): number[] {
  let depth = 0;
  return tokens.map((token) => {
    if (closes(token)) return --depth;
    return opens(token) ? depth++ : depth;
  });
}

/** The parts between separators that are in no bracket. */
export function splitAtTop(tokens: readonly Token[], isSeparator: (token: Token) => boolean): Token[][] {
  const levels = depths(tokens);
  const parts: Token[][] = [[]];
  for (const [i, token] of tokens.entries())
    if (levels[i] === 0 && !opens(token) && !closes(token) && isSeparator(token)) parts.push([]);
    else parts.at(-1)?.push(token);
  return parts;
}

export interface Bracketed {
  readonly open: string;
  readonly close: string;
  readonly inner: readonly Token[];
}

/** The brackets around all of the tokens, if there are any. */
export function bracketsAround(tokens: readonly Token[]): Bracketed | undefined {
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first === undefined || last === undefined || tokens.length < 2 || !opens(first) || !closes(last))
    return undefined;
  if (depths(tokens).indexOf(0, 1) !== tokens.length - 1) return undefined;
  return { open: first.text, close: last.text, inner: tokens.slice(1, -1) };
}

/** The tokens without braces or a box around all of them. */
export function unwrap(tokens: readonly Token[]): readonly Token[] {
  let inner = tokens;
  for (;;) {
    const boxed = isCommand(inner[0], "boxed", "fbox") ? inner.slice(1) : inner;
    const brackets = bracketsAround(boxed);
    if (brackets?.open !== "{") return inner;
    inner = brackets.inner;
  }
}

const environments = /^[pbBvV]?(?:small)?matrix$|^array$/;

/** The cells of a matrix, and its environment; undefined for tokens that are not one matrix. */
export function matrixCells(
  tokens: readonly Token[],
): { environment: string; rows: Token[][][] } | undefined {
  const brackets = bracketsAround(tokens.slice(0, -3));
  if (brackets?.open !== "begin" || !isCommand(tokens.at(-4), "end")) return undefined;
  const environment = textOf(
    brackets.inner.slice(
      1,
      brackets.inner.findIndex((token) => isMark(token, "}")),
    ),
  );
  if (!environments.test(environment)) throw new NotUnderstood("another environment");
  let body = brackets.inner.slice(brackets.inner.findIndex((token) => isMark(token, "}")) + 1);
  if (environment === "array") body = body.slice(body.findIndex((token) => isMark(token, "}")) + 1);
  const rows = splitAtTop(body, (token) => isMark(token, "\\\\")).filter((row) => row.length > 0);
  return { environment, rows: rows.map((row) => splitAtTop(row, (token) => isMark(token, "&"))) };
}

/** Tokens as text, with white space only between numbers and at words. Words do not depend on capitals, single letters do. */
export function textOf(tokens: readonly Token[]): string {
  const isWords = tokens.every(({ kind }) => kind === "symbol" || kind === "words");
  const text = tokens
    .map((token, i) => {
      const { kind, text } = token;
      const space = isApart(tokens[i - 1], token, isWords) ? " " : "";
      return space + (kind === "command" ? `\\${text} ` : text.replaceAll(/\s+/g, " "));
    })
    .join("")
    .replace(/^\(([A-Za-z])\)$/, "$1");
  return isWords && text.length > 1 ? text.toLowerCase() : text;
}

/** Whether two tokens beside each other would be another one without white space. */
function isApart(before: Token | undefined, token: Token, inWords: boolean): boolean {
  if (before === undefined || ![before, token].every(({ kind }) => /^(?:number|symbol|words)$/.test(kind)))
    return false;
  if (before.kind === "words" || token.kind === "words") return true;
  return token.spaced && (inWords || (before.kind === "number" && token.kind === "number"));
}
