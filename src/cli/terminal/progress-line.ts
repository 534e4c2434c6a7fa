import { escapeControl } from "../../util/quote.ts";
import { type OutputStream, terminalWidth } from "./output-stream.ts";
import { escapeUnstyled } from "./strip-control.ts";
import { fitParts, type LinePart, truncate } from "./text-width.ts";

/** Milliseconds between two lines when the output is not a terminal. */
const plainInterval = 5000;
/** Milliseconds between two updates of the line on a terminal. */
const drawInterval = 50;

/**
 * One line of progress. A terminal shows it in one place, updated; other outputs get a new line every five seconds, where
 * it says something new.
 * Print other lines with `printAbove`, so that they do not mix with it.
 */
export class ProgressLine {
  private readonly stream: OutputStream;
  private readonly now: () => number;
  private drawn = "";
  /** What was printed last where nothing is drawn. */
  private printed = "";
  private last = Number.NEGATIVE_INFINITY;

  constructor(stream: OutputStream, now: () => number = () => performance.now()) {
    this.stream = stream;
    this.now = now;
  }

  /**
   * Shows the progress; `important` text (the first, the last) is always shown. Of parts a terminal shows as many as fit, other
   * outputs all.
   */
  update(progress: string | readonly LinePart[], { important = false } = {}): void {
    const elapsed = this.now() - this.last;
    if (!important && elapsed < (this.stream.isTTY ? drawInterval : plainInterval)) return;
    const width = this.stream.isTTY ? terminalWidth(this.stream, 80) - 1 : Number.POSITIVE_INFINITY;
    const text = typeof progress === "string" ? progress : fitParts(progress, width);
    if (text === this.printed) return;
    this.last = this.now();
    if (!this.stream.isTTY) {
      this.printed = text;
      this.stream.write(`${escapeControl(text)}\n`);
      return;
    }
    this.drawn = truncate(escapeControl(text), width);
    this.stream.write(`\r\x1b[2K${this.drawn}`);
  }

  /** Prints text above the progress line. */
  printAbove(text: string): void {
    const line = `${escapeUnstyled(text, this.stream.isTTY === true)}\n`;
    if (this.drawn === "") this.stream.write(line);
    else this.stream.write(`\r\x1b[2K${line}${this.drawn}`);
  }

  /** Ends the line: it stays on the screen, and later output starts below it. */
  end(): void {
    if (this.drawn !== "") this.stream.write("\n");
    this.drawn = "";
    this.printed = "";
    this.last = Number.NEGATIVE_INFINITY;
  }
}
