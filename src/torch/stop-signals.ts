import { native } from "../native/load.ts";

/** Milliseconds within which signals count once: npm passes Ctrl-C on to a program that has had it from the terminal already. */
const repeatAfter = 300;

/** The requests to stop (SIGINT, SIGTERM) of which JavaScript does not hear while its thread waits. */
export class StopSignals {
  private count = native().stopSignals();
  private first: number | undefined;

  /** Whether one has come that is not the first; to be asked again and again. */
  cameAgain(): boolean {
    const count = native().stopSignals();
    if (count === this.count) return false;
    this.count = count;
    const now = performance.now();
    this.first ??= now;
    return now - this.first > repeatAfter;
  }
}
