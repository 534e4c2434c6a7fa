import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { JobStage } from "./job-stage.ts";
import { lendEngineVariables } from "./lend-engine-variables.ts";
import type { Answer, Job, Order, Report } from "./messages.ts";
import { errorSent } from "./sent-error.ts";

/** What is said of a job: by the thread, or here of one that was stopped while it was still loading. */
type Heard = Answer | "cut off";
type Listener = (heard: Heard) => void;

/** A job that has been given to the thread. */
export interface GivenJob {
  /** Whether it has locked the folder of a run. */
  readonly isLocked: boolean;
  /** Ends it early. */
  stop(reason?: string): void;
}

/** How a job is given. */
export interface JobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gets everything that is said of the job before its result. */
  readonly onPart?: (answer: Answer) => void;
  /** Gets the job once it is given. */
  readonly onGiven?: (job: GivenJob) => void;
  /** Called before the job's error, when it was cut off: stopped while it was still loading. */
  readonly onCutOff?: () => Promise<void>;
}

/** What is known here of a job. */
interface CurrentJob {
  readonly stage: JobStage;
  readonly listener: Listener;
}

/** Waits for a thread that ends, but not long: nothing interrupts the operator that it may be in. */
export const soon = (ended: Promise<void>): Promise<void> =>
  Promise.race([ended, sleep(longestEnd, undefined, { ref: false })]);

/** Milliseconds. */
const longestEnd = 500;

/** The thread has ended in the middle of its work. */
export class LostThreadError extends ScaloraError {
  constructor(cause: unknown) {
    super("run", "The thread that worked on the model has ended", {
      found: messageOf(cause),
      fix: "resume a run that was training: fineTune({ resume: folder })",
      cause,
    });
  }
}

/**
 * A thread that computes while this one is free. It is started by its first job; while it has none it does not keep the process
 * alive. Jobs of one thread share its model in memory.
 */
export class WorkThread {
  private worker: Worker | undefined;
  /** What it works on, for messages. */
  private readonly name: string;
  private readonly jobs = new Map<number, CurrentJob>();
  private lastNumber = 0;
  /** Called once the thread has nothing to do. */
  private readonly idle: (() => void)[] = [];
  private isClosed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** A number that no job and no rows of this thread have had. */
  nextNumber(): number {
    return ++this.lastNumber;
  }

  /** Sends a part of some rows, for a job that comes after it. */
  sendRows(number: number, text: string): void {
    this.post({ type: "rows", number, text });
  }

  /** The job that some rows were sent for does not come. */
  dropRows(number: number): void {
    if (this.worker && !this.isClosed) this.post({ type: "rows", number, text: null });
  }

  /**
   * Does a job and gives its result.
   * @param type the answer that is its result
   * @throws the job's error; the signal's reason, once the job has ended, or at once where it is still loading
   */
  async do<T extends Answer["type"]>(
    job: Job,
    type: T,
    { signal, onPart, onGiven, onCutOff }: JobOptions = {},
  ): Promise<Extract<Answer, { type: T }>> {
    signal?.throwIfAborted();
    const stopped = () =>
      signal?.aborted
        ? signal.reason
        : this.isClosed
          ? this.closedError()
          : new ScaloraError("usage", "This was stopped before it had begun");
    return await new Promise((resolve, reject) => {
      const end = (error: unknown) => {
        signal?.removeEventListener("abort", stop);
        reject(error);
      };
      const given = this.give(job, (answer) => {
        if (answer === "cut off") {
          const error = stopped();
          (onCutOff?.() ?? Promise.resolve()).then(() => end(error), end);
        } else if (answer.type === "failed") end(errorSent(answer.error, stopped));
        else if (this.isClosed && !signal?.aborted && isCutShort(answer)) end(this.closedError());
        else if (!isOfType(answer, type)) onPart?.(answer);
        else {
          signal?.removeEventListener("abort", stop);
          resolve(answer);
        }
      });
      const stop = () => given.stop(textOf(signal?.reason));
      signal?.addEventListener("abort", stop);
      onGiven?.(given);
    });
  }

  /** Stops what the thread does, and ends it after that: nothing is left half-written. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const id of this.jobs.keys()) this.stop(id);
    if (this.jobs.size > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
    await soon(this.end());
  }

  /** Ends the thread, whatever it does, at the end of the operator that it is in. */
  async end(): Promise<void> {
    this.isClosed = true;
    await this.worker?.terminate();
  }

  private give(job: Job, listener: Listener): GivenJob {
    const id = this.nextNumber();
    const stage = new JobStage();
    this.post({ type: "job", id, job, stage: stage.cells });
    this.jobs.set(id, { stage, listener });
    this.worker?.ref();
    return {
      stop: (reason) => this.stop(id, reason),
      get isLocked() {
        return stage.isLocked;
      },
    };
  }

  /** A job that only loads does not hear of it before it has loaded: what becomes of it then, nobody waits for. */
  private stop(id: number, reason?: string): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    this.worker?.postMessage({ type: "stop", id, reason } satisfies Order);
    if (job.stage.cutOff()) this.hear(id, "cut off");
  }

  private post(order: Order): void {
    if (this.isClosed) throw this.closedError();
    this.worker ??= this.start();
    try {
      this.worker.postMessage(order);
    } catch (cause) {
      throw new ScaloraError("usage", "These options cannot be sent to the thread that works", {
        expected: "texts, numbers, lists and objects",
        found: messageOf(cause),
        cause,
      });
    }
  }

  private start(): Worker {
    const restore = lendEngineVariables();
    const extension = extname(import.meta.url);
    const worker = new Worker(new URL(`./thread${extension}`, import.meta.url), {
      // TypeScript needs the loader that this thread has; options of the command line may not suit a thread.
      ...(extension !== ".ts" && { execArgv: [] }),
    });
    let failure: unknown;
    worker.on("message", (report: Report) => {
      if ("type" in report) restore();
      else this.hear(report.id, report.answer);
    });
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", (code) => {
      restore();
      this.worker = undefined;
      this.loseJobs(failure ?? new Error(`exit code ${code}`));
    });
    // After the listeners, of which one for messages makes it keep the process alive.
    worker.unref();
    return worker;
  }

  private closedError(): ScaloraError {
    return new ScaloraError("usage", "This run was closed: its model is freed", {
      where: this.name,
      fix: "use it before close(), which `await using` calls at the end of its block, or open it again with openRun()",
    });
  }

  private hear(id: number, answer: Heard): void {
    const job = this.jobs.get(id);
    if (answer === "cut off" || !isPart(answer)) this.jobs.delete(id);
    // Before somebody hears of it who ends the thread, for which the process shall wait.
    if (this.jobs.size === 0) this.worker?.unref();
    job?.listener(answer);
    if (this.jobs.size > 0) return;
    for (const resolve of this.idle.splice(0)) resolve();
  }

  private loseJobs(cause: unknown): void {
    const error = this.isClosed ? this.closedError() : new LostThreadError(cause);
    for (const id of [...this.jobs.keys()])
      this.hear(id, { type: "failed", error: { kind: "other", error } });
  }
}

/** Whether more is said of the job after this. */
const isPart = ({ type }: Answer) => type === "event" || type === "text";

/** Whether a text was ended by somebody; who does so by a signal, or by leaving a loop, has what there is of it. */
const isCutShort = (answer: Answer) => answer.type === "generated" && answer.summary.reason === "interrupted";

const isOfType = <T extends Answer["type"]>(
  answer: Answer,
  type: T,
): answer is Extract<Answer, { type: T }> => answer.type === type;

/** Why a signal was aborted; the default reason of a controller says nothing. */
function textOf(reason: unknown): string | undefined {
  if (typeof reason === "string") return reason;
  return reason instanceof Error && reason.name !== "AbortError" ? reason.message : undefined;
}
