/** Measures the speed of the last steps. */
export class StepMeter {
  private readonly window: { tokens: number; seconds: number; wall: number }[] = [];
  private readonly size: number;
  private readonly now: () => number;
  private lastStep: number | undefined;

  /** `now` gives seconds. */
  constructor({ size = 20, now = () => performance.now() / 1000 } = {}) {
    this.size = size;
    this.now = now;
  }

  /** Adds a step that has just ended: its tokens, and its duration in seconds. */
  count(tokens: number, seconds: number): void {
    const now = this.now();
    // What came before the first step, such as loading the model, comes once.
    this.window.push({ tokens, seconds, wall: this.lastStep === undefined ? seconds : now - this.lastStep });
    this.lastStep = now;
    if (this.window.length > this.size) this.window.shift();
  }

  /** Tokens per second within steps, without evaluations and checkpoints; null before the first step. */
  get tokensPerSecond(): number | null {
    const seconds = this.sum("seconds");
    return seconds > 0 ? this.sum("tokens") / seconds : null;
  }

  /** Estimated seconds for `steps` more steps, including the time between steps; null before the first step. */
  remaining(steps: number): number | null {
    return this.window.length === 0 ? null : (this.sum("wall") / this.window.length) * steps;
  }

  private sum(key: "tokens" | "seconds" | "wall"): number {
    return this.window.reduce((total, entry) => total + entry[key], 0);
  }
}
