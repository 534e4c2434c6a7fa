import { Worker } from "node:worker_threads";

/** Limits on one input. */
export interface Limits {
  /** Processor time of the whole process, in seconds. */
  readonly seconds: number;
  /** Resident memory of the process, in bytes. */
  readonly bytes: number;
}

/** What the thread that watches is given: `counter` changes with each input. */
export interface WatchdogData {
  readonly counter: Int32Array<SharedArrayBuffer>;
  readonly limits: Limits;
}

/** Ends the process when one input takes too much time or memory, even where its own thread never returns. */
export class Watchdog {
  private readonly counter = new Int32Array(new SharedArrayBuffer(4));
  private readonly worker: Worker;

  constructor(limits: Limits) {
    const url = new URL("watchdog-thread.ts", import.meta.url);
    const workerData: WatchdogData = { counter: this.counter, limits };
    // Node strips its types; the loader of the process would cost it a second.
    this.worker = new Worker(url, { workerData, execArgv: [] });
    this.worker.unref();
  }

  /** Says that the next input begins. */
  next(): void {
    Atomics.add(this.counter, 0, 1);
  }
}
