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

/** Answers to SIGINT and SIGTERM that need not wait for JavaScript's thread, where the system has them (Linux). */
export const stopAnswers = {
  /**
   * From now on the first signal writes its text to stderr at once, and another one, more than 300 ms later, ends the process if
   * JavaScript has not done so within half a second. To be called when JavaScript listens for both.
   * @returns whether that is done
   */
  begin: (onInterrupt: string, onTerminate: string): boolean =>
    native().answerStops(onInterrupt, onTerminate),
  /** Ends that. */
  end: (): void => native().ignoreStops(),
  /** Whether another signal has come. */
  cameAgain: (): boolean => native().stopCameAgain(),
};
