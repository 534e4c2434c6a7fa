/** What Python takes for white space: JavaScript's, without the byte order mark, with four separators and a next line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are white space in Python
const space = /[^\S\ufeff]|[\x1c-\x1f\x85]/;

type Ends = { readonly left: boolean; readonly right: boolean };

/** Python's `strip`: without the characters of `characters`, or white space, at the ends. */
export function strip(text: string, characters: unknown, { left, right }: Ends): string {
  if (characters !== undefined && characters !== null && typeof characters !== "string")
    throw new Error("the argument of strip is no text");
  const taken = typeof characters === "string" ? new Set(characters) : undefined;
  const isTaken = (character: string) => (taken === undefined ? space.test(character) : taken.has(character));
  let [start, end] = [0, text.length];
  while (left && start < end) {
    const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
    if (!isTaken(character)) break;
    start += character.length;
  }
  while (right && end > start) {
    const pair = text.slice(Math.max(start, end - 2), end);
    const character = /^[\ud800-\udbff][\udc00-\udfff]$/.test(pair) ? pair : text.slice(end - 1, end);
    if (!isTaken(character)) break;
    end -= character.length;
  }
  return text.slice(start, end);
}

const both = { left: true, right: true };

/** Python's methods of texts that JavaScript's interpreter lacks or does otherwise, by name. */
export const textMethods: ReadonlyMap<string, (text: string, ...args: unknown[]) => unknown> = new Map<
  string,
  (text: string, ...args: unknown[]) => unknown
>([
  ["strip", (text, characters) => strip(text, characters, both)],
  ["lstrip", (text, characters) => strip(text, characters, { left: true, right: false })],
  ["rstrip", (text, characters) => strip(text, characters, { left: false, right: true })],
  ["capitalize", (text) => capitalize(text)],
  ["title", (text) => text.replaceAll(/\p{L}+/gu, capitalize)],
]);

/** The first letter large, the others small. */
export function capitalize(text: string): string {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  return text === "" ? "" : first.toUpperCase() + text.slice(first.length).toLowerCase();
}

/** Jinja's filter `title`, whose words begin after spaces, hyphens and opening brackets only. */
export const titleOfWords = (text: string): string =>
  text
    .split(/([-\s({[<]+)/)
    .map(capitalize)
    .join("");

const hasPairs = /[\ud800-\udbff]/;

/** Python's length, in code points. */
export const lengthOfText = (text: string): number =>
  hasPairs.test(text) ? Array.from(text).length : text.length;

/** The character at an index of code points; a negative one counts from the end. */
export const characterAt = (text: string, index: number): string | undefined =>
  hasPairs.test(text) ? Array.from(text).at(index) : text.at(index);

/** Python's `splitlines`. */
export function splitLines(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these end lines in Python
  const lines = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
