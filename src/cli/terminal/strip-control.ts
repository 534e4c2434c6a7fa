import { stripVTControlCharacters } from "node:util";
import { controlCharacters, escapeControl } from "../../util/quote.ts";

/**
 * Makes untrusted text (from a model or a file) safe for a terminal: removes escape sequences, and control characters other
 * than tabs and line ends.
 */
export function stripControl(text: string): string {
  return stripVTControlCharacters(text).replaceAll(controlCharacters, "");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the codes that a painter writes.
const styles = /(\u001b\[(?:1|2|22|31|32|33|36|39)m)/;

/** A text with control characters escaped, except the styles of our own painter where the text has them. */
export function escapeUnstyled(text: string, isStyled: boolean): string {
  if (!isStyled) return escapeControl(text);
  return text
    .split(styles)
    .map((part, i) => (i % 2 === 1 ? part : escapeControl(part)))
    .join("");
}
