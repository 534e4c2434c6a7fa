import { CoverageRecorder } from "./coverage.ts";
import type { InputStream } from "./input-stream.ts";
import type { Outcome, TargetRunner } from "./target-runner.ts";

/** When to end: whichever comes first. */
export interface Budget {
  readonly inputs: number;
  readonly seconds: number;
}

/** What became of the inputs of one target. */
export interface CampaignReport {
  readonly target: string;
  readonly inputs: number;
  readonly seconds: number;
  /** Processor time in seconds. */
  readonly processorSeconds: number;
  /** Milliseconds of the slowest input. */
  readonly slowest: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Blocks of code that ran, and inputs kept because they were the first in one; 0 when not guided. */
  readonly blocks: number;
  readonly kept: number;
  /** The stack of what was neither used nor clearly refused; that input is the last. */
  readonly failure?: string;
}

/** Inputs between two looks at coverage and clock; few where each takes a process. */
const batchSize = 300;
const slowBatchSize = 10;

/** Gives one target its inputs, up to the first failure. */
export class Campaign {
  private readonly runner: TargetRunner;
  private readonly stream: InputStream;
  /** Called before each input. */
  private readonly onInput: () => void;
  private readonly outcomes = new Map<Outcome, number>();
  private readonly started = performance.now();
  private readonly processorStart = process.cpuUsage();
  private inputs = 0;
  private slowest = 0;
  private blocks = 0;

  constructor(runner: TargetRunner, stream: InputStream, onInput: () => void) {
    this.runner = runner;
    this.stream = stream;
    this.onInput = onInput;
  }

  /** @param first inputs before the drawn ones: seeds and corpus */
  async run(first: readonly Uint8Array[], budget: Budget, guided: boolean): Promise<CampaignReport> {
    try {
      await this.runAll(first);
      if (guided) await this.runGuided(budget);
      else while (this.isWithin(budget)) await this.runAll(this.drawBatch(budget));
      return this.report();
    } catch (error) {
      const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { ...this.report(), failure };
    }
  }

  /** After each batch that reached new code, finds the inputs that did, and keeps them as parents of others. */
  private async runGuided(budget: Budget): Promise<void> {
    using coverage = new CoverageRecorder();
    while (this.isWithin(budget)) {
      const batch = this.drawBatch(budget);
      await this.runAll(batch);
      const unexplained = coverage.takeNew();
      for (const input of batch) {
        if (unexplained.size === 0) break;
        await this.runAll([input]);
        const explained = coverage.takeRan().filter((block) => unexplained.delete(block));
        if (explained.length > 0) this.stream.keep(input);
      }
      this.blocks = coverage.blockCount;
    }
  }

  private drawBatch({ inputs }: Budget): Uint8Array[] {
    const size = this.runner.target.isSlow ? slowBatchSize : batchSize;
    return Array.from({ length: Math.min(size, inputs - this.inputs) }, () => this.stream.next());
  }

  private isWithin({ inputs, seconds }: Budget): boolean {
    return this.inputs < inputs && this.elapsed() < seconds;
  }

  private elapsed(): number {
    return (performance.now() - this.started) / 1000;
  }

  private async runAll(inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) {
      this.onInput();
      const before = performance.now();
      this.inputs += 1;
      const outcome = await this.runner.run(input);
      this.slowest = Math.max(this.slowest, performance.now() - before);
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    }
  }

  private report(): CampaignReport {
    const { user, system } = process.cpuUsage(this.processorStart);
    return {
      target: this.runner.target.name,
      inputs: this.inputs,
      seconds: this.elapsed(),
      processorSeconds: (user + system) / 1e6,
      slowest: this.slowest,
      outcomes: Object.fromEntries(this.outcomes),
      blocks: this.blocks,
      kept: this.stream.keptCount,
    };
  }
}
