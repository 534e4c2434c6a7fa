/** A collective that has begun. */
interface Begun {
  readonly end: number;
  /** The part of the computation's time that it takes. */
  readonly share: number;
}

/**
 * What a rank does on two threads: one computes, the other performs collectives, one after another in the order in which they are
 * begun. A collective holds up what is computed meanwhile where it needs the same cores. Times in seconds.
 */
export class StepTimeline {
  private now = 0;
  private computed = 0;
  private begun: Begun[] = [];
  private readonly byteSeconds: number;

  /** @param byteSeconds by which the computation is held up for each byte that is sent meanwhile */
  constructor(byteSeconds: number) {
    this.byteSeconds = byteSeconds;
  }

  /** Computes for as long as it takes without a collective meanwhile. */
  compute(seconds: number): void {
    this.computed += seconds;
    let left = seconds;
    for (const { end, share } of this.begun) {
      const meanwhile = Math.max(0, end - this.now) * (1 - share);
      if (left < meanwhile) {
        this.now += left / (1 - share);
        return;
      }
      left -= meanwhile;
      this.now = Math.max(this.now, end);
    }
    this.begun = [];
    this.now += left;
  }

  /** Begins a collective. @returns when it ends, for `waitUntil` */
  begin(seconds: number, sentBytes: number): number {
    const start = Math.max(this.now, this.begun.at(-1)?.end ?? 0);
    const share = seconds > 0 ? Math.min(1, (sentBytes * this.byteSeconds) / seconds) : 0;
    this.begun.push({ end: start + seconds, share });
    return start + seconds;
  }

  /** Lets the thread that computes wait. */
  waitUntil(end: number): void {
    this.now = Math.max(this.now, end);
  }

  /** A collective for which the thread that computes waits. */
  perform(seconds: number): void {
    this.waitUntil(this.begin(seconds, 0));
  }

  /** Seconds so far in which the thread that computes has waited, or was held up. */
  get waited(): number {
    return this.now - this.computed;
  }
}
