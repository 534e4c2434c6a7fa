import { stripVTControlCharacters, styleText } from "node:util";
import stringWidth from "string-width";

/** An output stream of the command line, or its stand-in for tests. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The stream's width; `otherwise` for the 0 that some terminals report. */
export const terminalWidth = (stream: TextStream, otherwise: number): number => stream.columns || otherwise;

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Styles a text if the stream supports it. */
export type Paint = (style: Style, text: string) => string;

/**
 * The painter for a stream: plain text with a non-empty `NO_COLOR`, with `TERM=dumb`, and when the output is not a terminal.
 */
export function painter(stream: TextStream, env: NodeJS.ProcessEnv): Paint {
  const coloured = stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return coloured
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}

/** Columns of a text on a terminal: style codes have none, East Asian characters and emoji two. */
export const displayWidth = (text: string): number => stringWidth(text);

/** Pads the text with spaces to a width: on the right, or on the left for numbers. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + space : space + text;
}

const characters = new Intl.Segmenter();

/**
 * Truncates plain text to a width with an ellipsis, without splitting grapheme clusters.
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
 * Makes untrusted text (from a model or a file) safe for a terminal: removes escape sequences, and control characters other
 * than tabs and line ends.
 */
export function stripControl(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

/** Wraps text into lines of at most `width` columns, at spaces if possible. */
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
