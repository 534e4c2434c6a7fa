import { setImmediate } from "node:timers/promises";
import type { RunResult } from "../recipes/run-result.ts";
import { endLostRun } from "../run/end-lost-run.ts";
import { freeUnbegunRun } from "../run/unbegun-run.ts";
import type { FineTuneEvent } from "./activity-event.ts";
import { FolderClaim } from "./claim-folder.ts";
import { requireSignal } from "./known-options.ts";
import { Log } from "./log.ts";
import type { ResumeJob, TrainJob } from "./messages.ts";
import { OpenedRun } from "./opened-run.ts";
import { type GivenJob, LostThreadError, soon, type WorkThread } from "./work-thread.ts";

/** What a run is made of. */
interface RunParts {
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  /** Throws what is wrong with the options, as far as that is known before anything is loaded. */
  check(): void;
  makeJob(thread: WorkThread): Promise<TrainJob | ResumeJob>;
}

/** A run that trains in a thread of its own. Each loop over it gets all of its events, from the first one on. */
export class FineTuneRun extends OpenedRun implements AsyncIterable<FineTuneEvent> {
  /** The run's folder, which `scalora train --resume`, `openRun` and all other commands take. */
  readonly folder: string;
  private readonly events = new Log<FineTuneEvent>();
  /**
   * How the run ends; a run that was stopped has a checkpoint and the reason `stopped`. It is rejected with the run's error, or with
   * the signal's reason, when that was aborted before there was anything to save.
   */
  readonly result: Promise<RunResult>;
  private training: GivenJob | undefined;
  private isStopped = false;

  /** @internal */
  constructor(parts: RunParts) {
    const { folder, signal } = parts;
    super({ path: folder });
    this.folder = folder;
    const ending = this.train(parts);
    ending.then(
      () => this.events.end(),
      (error: unknown) => this.events.end({ error }),
    );
    this.result = ending.catch(async (error: unknown) => {
      // Whoever has called may wait for something first; wrong options fail at once.
      await setImmediate();
      // As any promise that fails while nobody waits for it ends the process; who has aborted this one knows.
      if (signal?.aborted === true) this.expectFailure();
      throw error;
    });
  }

  /** Stops after the present step and saves a checkpoint; the run can be resumed. @returns how it ended */
  async stop(): Promise<RunResult> {
    this.isStopped = true;
    this.training?.stop();
    return await this.result;
  }

  /** The run's events and what it is doing, as they come, to the end of the run; its error is thrown. */
  async *[Symbol.asyncIterator](): AsyncGenerator<FineTuneEvent, undefined> {
    this.expectFailure();
    yield* this.events;
  }

  override async close(): Promise<void> {
    await this.stop().catch(() => {});
    await super.close();
  }

  /** Somebody gets the run's error in another way. */
  private expectFailure(): void {
    this.result.catch(() => {});
  }

  protected override async ready(): Promise<void> {
    await this.result;
  }

  private async train({ folder, signal, check, makeJob }: RunParts): Promise<RunResult> {
    requireSignal(signal);
    signal?.throwIfAborted();
    // Before anything is awaited: of two runs, the folder is that of the one that was begun first.
    using claim = new FolderClaim(folder);
    check();
    const job = await makeJob(this.thread);
    await claim.isFree;
    this.events.add({ type: "activity", what: "starting libtorch" });
    try {
      const { result } = await this.thread.do(job, "trained", {
        signal,
        onPart: (answer) => {
          if (answer.type === "event") this.events.add(answer.event);
        },
        onGiven: (given) => {
          this.training = given;
          if (this.isStopped) given.stop();
        },
        onCutOff: async () => {
          const gone = this.thread.end().then(() => {
            if (this.training?.isLocked) freeUnbegunRun(folder);
          });
          claim.leaveAfter(gone);
          await soon(gone);
        },
      });
      return result;
    } catch (error) {
      if (this.training?.isLocked && error instanceof LostThreadError) endLostRun(this.folder, error.message);
      throw error;
    }
  }
}
