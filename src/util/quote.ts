import { formatCount } from "./format.ts";

/** Control characters (C0 but tab and line feed, DEL, C1) and those that reorder text: a terminal obeys them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
export const controlCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside as messages quote it: control characters as `\x1b`, those that reorder text as `\u202e`. */
export function escapeControl(text: string): string {
  return text.replaceAll(controlCharacters, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}

/** The name of a file on its line: line feeds and tabs are escaped too. */
export const escapeName = (name: string): string =>
  escapeControl(name).replaceAll("\n", "\\x0a").replaceAll("\t", "\\x09");

/** A text in a message, cut after `most` characters, with its length. */
export function clip(text: string, most = 200): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most).replace(/[\ud800-\udbff]$/, "")}… (${formatCount(text.length)} characters)`;
}

/** A path in a message, cut in its middle: its end names the file, and may tell the line. */
export function clipMiddle(path: string, most = 200): string {
  if (path.length <= most) return path;
  const half = most / 2;
  const [start, end] = [path.slice(0, half), path.slice(-half)];
  return `${start.replace(/[\ud800-\udbff]$/, "")}…${end.replace(/^[\udc00-\udfff]/, "")} (${formatCount(path.length)} characters)`;
}

/** Text from outside in a message, in one piece: escaped, and cut. */
export const quote = (text: string, most?: number): string => escapeControl(clip(text, most));
