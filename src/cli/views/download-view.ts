import type { DownloadHooks, DownloadProgress } from "../../download/index.ts";
import { formatBytes, formatDuration } from "../../util/format.ts";
import type { Context } from "../terminal/context.ts";
import { ProgressLine } from "../terminal/progress-line.ts";

const barWidth = 24;

/** Shows a download on stderr: progress bar, bytes done and total, speed and remaining time. */
export class DownloadView {
  private readonly line: ProgressLine;
  private readonly now: () => number;
  private first: { time: number; done: number } | undefined;
  private isFull = false;

  /** `now` gives seconds. */
  constructor(context: Context, now: () => number = () => performance.now() / 1000) {
    this.line = new ProgressLine(context.stderr);
    this.now = now;
  }

  /** The hooks for a download. */
  hooks(env: NodeJS.ProcessEnv): DownloadHooks {
    return {
      env,
      onProgress: (progress) => this.show(progress),
      onNote: (text) => this.line.printAbove(text),
    };
  }

  show({ done, total, what }: DownloadProgress): void {
    const time = this.now();
    this.first ??= { time, done };
    const share = total === 0 ? 1 : done / total;
    const full = Math.round(share * barWidth);
    const rate = (done - this.first.done) / (time - this.first.time);
    const parts = [
      { text: `${"█".repeat(full)}${"░".repeat(barWidth - full)}`, leaveOut: 4 },
      { text: `${Math.floor(100 * share)} %`, leaveOut: 0 },
      { text: `${formatBytes(done)} of ${formatBytes(total)}`, leaveOut: 1 },
      { text: rate > 0 ? `${formatBytes(Math.round(rate))}/s` : "", leaveOut: 3 },
      { text: rate > 0 && done < total ? `${formatDuration((total - done) / rate)} left` : "", leaveOut: 2 },
      { text: what, leaveOut: 5 },
    ];
    this.line.update(parts, { important: done === total && !this.isFull });
    this.isFull = done === total;
  }

  /** Ends the progress line. */
  end(): void {
    this.line.end();
  }
}
