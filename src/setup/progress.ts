// Progress of set-up: one line that is redrawn on a terminal, a new line every few seconds elsewhere.

const terminalMs = 200;
const plainMs = 5_000;

interface Stream {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** Bytes in decimal units, as package indexes and disks are labelled: `544 MB`. */
export function formatDecimalBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Writes the progress of set-up to a stream. */
export class Progress {
  private readonly stream: Stream;
  private drawn = false;
  private last = 0;
  /** What was written last where nothing is drawn. */
  private written = "";

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** Writes a line that stays. */
  log(line: string): void {
    this.clear();
    if (!this.stream.isTTY) [this.last, this.written] = [Date.now(), line];
    this.stream.write(`scalora setup: ${line}\n`);
  }

  /** Writes a state, which the next one replaces. */
  update(line: string): void {
    const now = Date.now();
    if (now - this.last < (this.stream.isTTY ? terminalMs : plainMs) || line === this.written) return;
    this.last = now;
    if (!this.stream.isTTY) {
      this.log(line);
      return;
    }
    this.stream.write(`\r\x1b[Kscalora setup: ${line}`);
    this.drawn = true;
  }

  clear(): void {
    if (this.drawn) this.stream.write("\r\x1b[K");
    this.drawn = false;
  }
}
