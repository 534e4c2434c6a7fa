import { Worker } from "node:worker_threads";

/** Limits on one input. */
export interface Limits {
  /** Processor time of the whole process, in seconds. */
  readonly seconds: number;
  /** Resident memory of the process, in bytes. */
  readonly bytes: number;
}

/** Ends the process when one input takes too much time or memory, even where its own thread never returns. */
export class Watchdog {
  private readonly counter = new Int32Array(new SharedArrayBuffer(4));
  private readonly worker: Worker;

  constructor(limits: Limits) {
    const url = new URL("watchdog-thread.mjs", import.meta.url);
    this.worker = new Worker(url, { workerData: { counter: this.counter, limits } });
    this.worker.unref();
  }

  /** Says that the next input begins. */
  next(): void {
    Atomics.add(this.counter, 0, 1);
  }
}
