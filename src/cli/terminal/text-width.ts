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

/**
 * Wraps text into lines of at most `width` columns, at spaces if possible. What is in backticks stays together, so that it can be
 * copied: where it is wider, it has a line of its own, for the terminal to break (a panel, which has a border, cuts it).
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.match(/[^\s`]*`[^`]*`\S*|\S+/g) ?? []) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** A text beside its label, wrapped there: its lines begin at the column `margin`. */
export function besideLabel(
  label: string,
  text: string,
  { margin, width }: { readonly margin: number; readonly width: number },
): string[] {
  const [first = "", ...more] = wrap(text, width - margin);
  return [pad(label, margin) + first, ...more.map((line) => " ".repeat(margin) + line)];
}

/**
 * Wraps the lines of a text that are wider than `width`. What follows goes below the text of a line that begins with spaces and a
 * label, as `  fix:      ` does.
 */
export function wrapLines(text: string, width: number): string {
  const wrapped = text.split("\n").flatMap((line) => {
    if (displayWidth(line) <= width) return [line];
    const [, label = "", rest = line] = /^(\s*(?:[\w-]+:\s+)?)(.*)$/s.exec(line) ?? [];
    const indent = Math.min(displayWidth(label), Math.floor(width / 2));
    return besideLabel(label, rest, { margin: indent, width });
  });
  return wrapped.join("\n");
}

/** A part of a line of progress; of a narrow line those with the highest numbers are left out first. */
export interface LinePart {
  readonly text: string;
  /** 0: always shown. */
  readonly leaveOut: number;
}

/** The parts that fit into a width, two spaces apart. */
export function fitParts(parts: readonly LinePart[], width: number): string {
  const shown = parts.filter(({ text }) => text !== "");
  const text = shown.map((part) => part.text).join("  ");
  const most = Math.max(0, ...shown.map(({ leaveOut }) => leaveOut));
  if (most === 0 || displayWidth(text) <= width) return text;
  return fitParts(
    shown.filter(({ leaveOut }) => leaveOut < most),
    width,
  );
}
