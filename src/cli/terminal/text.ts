import { stripVTControlCharacters, styleText } from "node:util";
import stringWidth from "string-width";

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

/** Columns that a text takes on a terminal; styles take none, East Asian characters and emoji two. */
export const displayWidth = (text: string): number => stringWidth(text);

/** The text filled up with spaces to a width, on its right or (numbers) on its left. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + space : space + text;
}

const characters = new Intl.Segmenter();

/**
 * The text cut to a width, with an ellipsis when something is cut; what is shown as one character stays whole. Takes plain
 * text only.
 */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let [kept, keptWidth] = ["", 0];
  for (const { segment } of characters.segment(text)) {
    keptWidth += displayWidth(segment);
    if (keptWidth > width - 1) break;
    kept += segment;
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
