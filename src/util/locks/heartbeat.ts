import { statSync, utimesSync } from "node:fs";
import { Worker } from "node:worker_threads";

/** Where a heartbeat comes from: a thread goes on while the main thread computes, and costs some milliseconds to start. */
export type HeartbeatSource = "thread" | "timer";

/**
 * Touches a file every so many milliseconds, which shows others that this process lives; a suspended process does not, in its
 * threads either. The process may end meanwhile.
 * @returns ends it
 */
export function startHeartbeat(file: string, milliseconds: number, source: HeartbeatSource): () => void {
  if (source === "timer") return touchByTimer(file, milliseconds);
  let stop: () => void;
  try {
    const options = { eval: true, workerData: { file, milliseconds }, execArgv: [], env: {} };
    const worker = new Worker(touchingThread, options);
    worker.unref();
    // The system has no thread to spare.
    worker.once("error", () => {
      stop = touchByTimer(file, milliseconds);
    });
    stop = () => void worker.terminate();
  } catch {
    stop = touchByTimer(file, milliseconds);
  }
  return () => stop();
}

function touchByTimer(file: string, milliseconds: number): () => void {
  const timer = setInterval(() => touch(file, new Date()), milliseconds).unref();
  return () => clearInterval(timer);
}

/** JavaScript as it is: no loader of the process (`--import`) is needed in the thread. */
const touchingThread = `
  const { utimesSync } = require("node:fs");
  const { file, milliseconds } = require("node:worker_threads").workerData;
  setInterval(() => {
    try {
      const now = new Date();
      utimesSync(file, now, now);
    } catch {}
  }, milliseconds);`;

/** Whether others see that a new file is touched: on some file systems nothing happens. */
export function canShowHeartbeat(file: string): boolean {
  const before = statSync(file).mtimeMs;
  touch(file, new Date(before - 60_000));
  return statSync(file).mtimeMs !== before;
}

function touch(file: string, time: Date): void {
  try {
    utimesSync(file, time, time);
  } catch {
    // The lock is lost, or its disk out of reach: the next write says so.
  }
}
