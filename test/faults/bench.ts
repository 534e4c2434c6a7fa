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

/** Trains cases in processes of their own, and knows what each comes to without faults. */
export class FaultBench {
  /** Folder of the runs. */
  readonly runs: string;
  private readonly server: ForkServer;
  private readonly references = new Map<string, Outcome>();
  private made = 0;

  constructor(server: ForkServer, runs: string) {
    this.server = server;
    this.runs = runs;
  }

  /** What the uninterrupted run of a case comes to; trained once. */
  async reference(one: Case): Promise<Outcome> {
    const known = this.references.get(one.name);
    if (known) return known;
    const run = await this.wholeRun(one);
    const outcome = outcomeOf(run);
    rmSync(run, { recursive: true });
    this.references.set(one.name, outcome);
    return outcome;
  }

  /** Trains a case without faults. @returns the run's folder */
  async wholeRun(one: Case): Promise<string> {
    const run = this.newRun(one);
    const { signal, results } = await this.train(one, run);
    if (results[0]?.code !== 0) throw new Error(`${one.name}: signal ${signal}, ${results[0]?.stderr}`);
    return run;
  }

  /** The path of a run that does not exist yet. */
  newRun(one: Case, folder = this.runs): string {
    return join(folder, `${one.name}-${this.made++}`);
  }

  /** Trains a run, or resumes it where it has begun. */
  async train(one: Case, run: string, faults: Omit<Job, "commands" | "folder"> = {}): Promise<JobResult> {
    if (existsSync(join(run, "config.yaml")))
      return this.server.run({ commands: [["train", "--resume", run]], ...faults });
    const set = [`run.folder=${dirname(run)}`, `run.name=${basename(run)}`];
    const command = ["train", one.recipe, ...set.flatMap((value) => ["--set", value])];
    return this.server.run({ commands: [command], ...faults });
  }
}
