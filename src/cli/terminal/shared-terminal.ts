import type { Activity } from "../../util/activity.ts";
import { formatBytes } from "../../util/format.ts";
import { escapeControl } from "../../util/quote.ts";
import { type OutputStream, terminalWidth } from "./output-stream.ts";
import { displayWidth, truncate } from "./text-width.ts";

/** Milliseconds between two drawings of an activity, and between two lines of them where nothing can be drawn. */
const [drawInterval, plainInterval] = [50, 15_000];

/** Columns of what is being done below which it says nothing beside how far it is. */
const leastWhat = 8;

const clearLine = "\r\x1b[2K";

/**
 * The two output streams of a command, and a line that says what it is doing. On a terminal that line gives way to anything that
 * is written; a line of progress that it covers comes back. Elsewhere an activity is printed as a line where nothing else has been for a while.
 */
export class SharedTerminal {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  private readonly inner: OutputStream;
  private readonly now: () => number;
  private last: number;
  private drawn = "";
  /** What others have written since the last line end. */
  private tail = "";

  constructor(stdout: OutputStream, stderr: OutputStream, now: () => number = () => performance.now()) {
    this.inner = stderr;
    this.now = now;
    this.last = stderr.isTTY === true ? Number.NEGATIVE_INFINITY : now();
    this.stdout = this.share(stdout);
    this.stderr = this.share(stderr);
  }

  /** Shows what is being done. */
  show(activity: Activity): void {
    const isTerminal = this.inner.isTTY === true;
    if (this.now() - this.last < (isTerminal ? drawInterval : plainInterval)) return;
    const shown = activityText(activity, isTerminal ? terminalWidth(this.inner, 80) - 1 : undefined);
    if (!isTerminal) this.inner.write(`${shown}\n`);
    else if (this.tail === "" || this.tail.startsWith(clearLine)) {
      this.drawn = shown;
      this.inner.write(`${clearLine}${this.drawn}`);
    }
    this.last = this.now();
  }

  /** Takes the line of an activity away. */
  clear(): void {
    if (this.drawn !== "") this.inner.write(this.tail === "" ? clearLine : this.tail);
    this.drawn = "";
  }

  /** A stream whose texts do not mix with the line. */
  private share(stream: OutputStream): OutputStream {
    return {
      write: (text) => {
        this.clear();
        if (stream.isTTY === true) this.tail = unfinishedLine(this.tail + text);
        if (this.inner.isTTY !== true) this.last = this.now();
        return stream.write(text);
      },
      on: (event, listener) => stream.on?.(event, listener),
      get isTTY() {
        return stream.isTTY === true;
      },
      get columns() {
        return stream.columns ?? 0;
      },
    };
  }
}

/** What a terminal's last line shows. */
function unfinishedLine(text: string): string {
  const line = text.slice(text.lastIndexOf("\n") + 1);
  return line.slice(Math.max(0, line.lastIndexOf(clearLine)));
}

/** `reading model.safetensors  120 MiB of 513 MiB`; where that is too wide, what is being done is cut, and how far it is stays. */
function activityText(activity: Activity, width = Number.POSITIVE_INFINITY): string {
  const what = escapeControl(activity.what);
  const amount = amountText(activity);
  const room = width - displayWidth(amount) - 2;
  if (amount === "" || room < leastWhat) return truncate(amount === "" ? what : amount, width);
  return `${truncate(what, room)}  ${amount}`;
}

function amountText({ done, total, unit }: Activity): string {
  if (done === undefined) return "";
  const amount = (count: number) => (unit === "bytes" ? formatBytes(count) : String(count));
  return total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}`;
}
