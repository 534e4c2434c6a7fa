import { type TextStream, terminalWidth, truncate } from "./text.ts";

/** Milliseconds between lines where they cannot be rewritten. */
const plainInterval = 5000;
/** Milliseconds between two drawings of the line on a terminal. */
const drawInterval = 50;

/**
 * One line of progress: on a terminal it is rewritten in place, elsewhere a plain line comes every five seconds.
 * Other lines go through `printAbove`, so that they do not run into it.
 */
export class ProgressLine {
  private readonly stream: TextStream;
  private readonly now: () => number;
  private drawn = "";
  private last = Number.NEGATIVE_INFINITY;

  constructor(stream: TextStream, now: () => number = () => performance.now()) {
    this.stream = stream;
    this.now = now;
  }

  /** Shows the state; `important` states (the first, the last) are always shown. */
  update(text: string, { important = false } = {}): void {
    const elapsed = this.now() - this.last;
    if (!important && elapsed < (this.stream.isTTY ? drawInterval : plainInterval)) return;
    this.last = this.now();
    if (!this.stream.isTTY) {
      this.stream.write(`${text}\n`);
      return;
    }
    this.drawn = truncate(text, terminalWidth(this.stream, 80) - 1);
    this.stream.write(`\r\x1b[2K${this.drawn}`);
  }

  /** Prints lines that stay above the progress line. */
  printAbove(text: string): void {
    if (this.drawn === "") this.stream.write(`${text}\n`);
    else this.stream.write(`\r\x1b[2K${text}\n${this.drawn}`);
  }

  /** Leaves the line as it is and goes on below it. */
  end(): void {
    if (this.drawn !== "") this.stream.write("\n");
    this.drawn = "";
    this.last = Number.NEGATIVE_INFINITY;
  }
}
