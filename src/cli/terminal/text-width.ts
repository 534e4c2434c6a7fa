import stringWidth from "string-width";

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
