import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { lendEngineVariables } from "./lend-engine-variables.ts";
import type { Answer, Job, Order, Report } from "./messages.ts";
import { errorSent } from "./sent-error.ts";

/** What is said of a job. */
type Listener = (answer: Answer) => void;

/** A job that has been given to the thread. */
export interface GivenJob {
  /** Ends it early. */
  stop(reason?: string): void;
}

/** How a job is given. */
export interface JobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gets everything that is said of the job before its result. */
  readonly onPart?: Listener;
  /** Gets the job once it is given. */
  readonly onGiven?: (job: GivenJob) => void;
}

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
  private readonly listeners = new Map<number, Listener>();
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
   * @throws the job's error; the signal's reason, once the job has ended
   */
  async do<T extends Answer["type"]>(
    job: Job,
    type: T,
    { signal, onPart, onGiven }: JobOptions = {},
  ): Promise<Extract<Answer, { type: T }>> {
    signal?.throwIfAborted();
    const stopped = () =>
      signal?.aborted
        ? signal.reason
        : this.isClosed
          ? this.closedError()
          : new ScaloraError("usage", "This was stopped before it had begun");
    return await new Promise((resolve, reject) => {
      const given = this.give(job, (answer) => {
        if (answer.type === "failed") reject(errorSent(answer.error, stopped));
        else if (this.isClosed && !signal?.aborted && isCutShort(answer)) reject(this.closedError());
        else if (isOfType(answer, type)) resolve(answer);
        else return onPart?.(answer);
        signal?.removeEventListener("abort", stop);
      });
      const stop = () => given.stop(textOf(signal?.reason));
      signal?.addEventListener("abort", stop);
      onGiven?.(given);
    });
  }

  /** Stops what the thread does, and ends it after that: nothing is left half-written. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const id of this.listeners.keys()) this.worker?.postMessage({ type: "stop", id } satisfies Order);
    if (this.listeners.size > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
    await this.worker?.terminate();
  }

  private give(job: Job, listener: Listener): GivenJob {
    const id = this.nextNumber();
    this.post({ type: "job", id, job });
    this.listeners.set(id, listener);
    this.worker?.ref();
    return { stop: (reason) => this.listeners.has(id) && this.post({ type: "stop", id, reason }) };
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

  private hear(id: number, answer: Answer): void {
    const listener = this.listeners.get(id);
    if (!isPart(answer)) this.listeners.delete(id);
    listener?.(answer);
    if (this.listeners.size > 0) return;
    this.worker?.unref();
    for (const resolve of this.idle.splice(0)) resolve();
  }

  private loseJobs(cause: unknown): void {
    const error = this.isClosed ? this.closedError() : new LostThreadError(cause);
    for (const id of [...this.listeners.keys()])
      this.hear(id, { type: "failed", error: { kind: "other", error } });
  }
}

/** Whether more is said of the job after this. */
const isPart = ({ type }: Answer) => type === "locked" || type === "event" || type === "text";

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
