/**
 * What a rank does one thing after another on two threads: one computes, the other performs collectives, in the order in which
 * they are begun. Times in seconds.
 */
export class StepTimeline {
  private computed = 0;
  private waiting = 0;
  private lastEnd = 0;

  compute(seconds: number): void {
    this.computed += seconds;
  }

  /** Begins a collective once those before it have ended. @returns when it ends, for `waitUntil` */
  begin(seconds: number): number {
    this.lastEnd = Math.max(this.lastEnd, this.now) + seconds;
    return this.lastEnd;
  }

  /** Lets the thread that computes wait. */
  waitUntil(end: number): void {
    this.waiting += Math.max(0, end - this.now);
  }

  /** A collective for which the thread that computes waits. */
  perform(seconds: number): void {
    this.waitUntil(this.begin(seconds));
  }

  /** Seconds so far in which the thread that computes has waited. */
  get waited(): number {
    return this.waiting;
  }

  private get now(): number {
    return this.computed + this.waiting;
  }
}
