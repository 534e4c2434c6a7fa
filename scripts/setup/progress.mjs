// Progress on stderr: one line that is redrawn on a terminal, a line now and then elsewhere.

const terminalMs = 200;
const plainMs = 5_000;

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Draws on a stream what set-up is doing. */
export class Progress {
  /** @param {{ isTTY?: boolean, write(text: string): unknown }} stream */
  constructor(stream) {
    this.stream = stream;
    this.drawn = false;
    this.last = 0;
  }

  /** A line that stays. @param {string} line */
  log(line) {
    this.clear();
    if (!this.stream.isTTY) this.last = Date.now();
    this.stream.write(`scalora setup: ${line}\n`);
  }

  /** A state that the next one replaces. @param {string} line */
  update(line) {
    const now = Date.now();
    if (now - this.last < (this.stream.isTTY ? terminalMs : plainMs)) return;
    this.last = now;
    if (!this.stream.isTTY) return this.log(line);
    this.stream.write(`\r\x1b[Kscalora setup: ${line}`);
    this.drawn = true;
  }

  clear() {
    if (this.drawn) this.stream.write("\r\x1b[K");
    this.drawn = false;
  }
}
