import { stripVTControlCharacters, styleText } from "node:util";

/** A text stream of the command line: what a verb writes to, real or in a test. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The stream's width; some terminals say 0, which is no width. */
export const terminalWidth = (stream: TextStream, otherwise: number): number => stream.columns || otherwise;

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours texts when the stream is a terminal and the environment does not forbid it. */
export type Paint = (style: Style, text: string) => string;

/**
 * The painter for a stream: plain text with `NO_COLOR` set (to anything but nothing), with `TERM=dumb`, and where the
 * output is no terminal.
 */
export function painter(stream: TextStream, env: NodeJS.ProcessEnv): Paint {
  const coloured = stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return coloured
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const zeroWidth = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a text takes on a terminal; styles take none, East Asian characters two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) {
    if (!zeroWidth.test(character)) width += wide.test(character) ? 2 : 1;
  }
  return width;
}

/** The text filled up with spaces to a width, on its right or (numbers) on its left. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + space : space + text;
}

/** The text cut to a width, with an ellipsis when something is cut. Takes plain text only. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/**
 * Text from outside (a model, a file) made harmless for a terminal: escape sequences and control characters other
 * than tabs and line ends go.
 */
export function stripControl(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

/** Lines no longer than `width`, broken at spaces where there are some. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}
