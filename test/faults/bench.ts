import { existsSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Case } from "./cases.ts";
import type { ForkServer } from "./fork-server.ts";
import type { Job, JobResult } from "./job.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** How often each thing happened. */
export type Tally = Record<string, number>;

export function count(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

/** What an uninterrupted run comes to, and how long it computes. */
interface Reference {
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

/** Trains cases in processes of their own, and knows what each comes to without faults. */
export class FaultBench {
  /** Folder of the runs. */
  readonly runs: string;
  readonly server: ForkServer;
  private readonly references = new Map<string, Reference>();
  private made = 0;

  constructor(server: ForkServer, runs: string) {
    this.server = server;
    this.runs = runs;
  }

  /** What the uninterrupted run of a case comes to; trained once. */
  async reference(one: Case): Promise<Reference> {
    const known = this.references.get(one.name);
    if (known) return known;
    const { run, milliseconds } = await this.wholeRun(one);
    const reference = { outcome: outcomeOf(run), milliseconds };
    rmSync(run, { recursive: true });
    this.references.set(one.name, reference);
    return reference;
  }

  /** Trains a case without faults. @returns the run's folder, and how long it computed */
  async wholeRun(one: Case): Promise<{ run: string; milliseconds: number }> {
    const run = this.newRun(one);
    const { signal, results } = await this.train(one, run);
    const [result] = results;
    if (result?.code !== 0) throw new Error(`${one.name}: signal ${signal}, ${result?.stderr}`);
    return { run, milliseconds: result.milliseconds };
  }

  /** The path of a run that does not exist yet. */
  newRun(one: Case, folder = this.runs): string {
    return join(folder, `${one.name}-${this.made++}`);
  }

  /** Trains a run, or resumes it where it has begun. */
  async train(one: Case, run: string, faults: Omit<Job, "commands" | "folder"> = {}): Promise<JobResult> {
    if (existsSync(join(this.server.seen(run), "config.yaml")))
      return this.server.run({ commands: [["train", "--resume", run]], ...faults });
    const set = [`run.folder=${dirname(run)}`, `run.name=${basename(run)}`];
    const command = ["train", one.recipe, ...set.flatMap((value) => ["--set", value])];
    return this.server.run({ commands: [command], ...faults });
  }
}
