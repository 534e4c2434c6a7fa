import { type Profiler, Session } from "node:inspector";

/** Which blocks of the code under `src` ran, by V8's own coverage. */
export class CoverageRecorder implements Disposable {
  private readonly session = new Session();
  private readonly seen = new Set<string>();

  constructor() {
    this.session.connect();
    this.session.post("Profiler.enable");
    this.session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Blocks that ran since the last call of this or of `takeRan`, and never before. */
  takeNew(): Set<string> {
    const blocks = this.takeRan().filter((block) => !this.seen.has(block));
    for (const block of blocks) this.seen.add(block);
    return new Set(blocks);
  }

  /** Blocks that ran since the last call. */
  takeRan(): string[] {
    const blocks: string[] = [];
    // Called back before `post` returns, because the session is of this thread.
    this.session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error) throw error;
      for (const script of result) if (script.url.includes("/src/")) blocks.push(...ranBlocks(script));
    });
    return blocks;
  }

  get blockCount(): number {
    return this.seen.size;
  }

  [Symbol.dispose](): void {
    this.session.disconnect();
  }
}

function ranBlocks({ url, functions }: Profiler.ScriptCoverage): string[] {
  const ranges = functions.flatMap((each) => each.ranges).filter(({ count }) => count > 0);
  return ranges.map(({ startOffset, endOffset }) => `${url}:${startOffset}-${endOffset}`);
}
