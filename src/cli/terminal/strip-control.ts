import { stripVTControlCharacters } from "node:util";

/**
 * Makes untrusted text (from a model or a file) safe for a terminal: removes escape sequences, and control characters other
 * than tabs and line ends.
 */
export function stripControl(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}
