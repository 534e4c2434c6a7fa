// The thread that works for a run: it trains, and then generates, evaluates and exports.
import { parentPort } from "node:worker_threads";
import { torchVersion } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { doJob, type ThreadState } from "./do-job.ts";
import { JobStage } from "./job-stage.ts";
import type { Answer, Job, Order, Report } from "./messages.ts";
import { removeLostScratch } from "./scratch-folder.ts";
import { errorToSend } from "./sent-error.ts";

const state: ThreadState = { rows: new Map(), model: undefined };
const working = new Map<number, AbortController>();

const report = (said: Report) => parentPort?.postMessage(said);

async function work(id: number, job: Job, stage: JobStage): Promise<void> {
  const controller = new AbortController();
  working.set(id, controller);
  const { signal } = controller;
  const say = (answer: Answer) => report({ id, answer });
  const onLoaded = () => {
    if (!stage.begin()) controller.abort();
    signal.throwIfAborted();
  };
  try {
    say(await doJob(job, { state, signal, onLoaded, onLocked: () => stage.lock(), say }));
  } catch (error) {
    const isStopped = signal.aborted && error === signal.reason;
    say({ type: "failed", error: isStopped ? { kind: "stopped" } : errorToSend(error) });
  } finally {
    working.delete(id);
  }
}

function follow(order: Order): void {
  if (order.type === "rows") {
    const { number, text } = order;
    if (text === null) state.rows.delete(number);
    else state.rows.set(number, [...(state.rows.get(number) ?? []), text]);
  }
  if (order.type === "job") void work(order.id, order.job, new JobStage(order.stage));
  if (order.type === "stop") working.get(order.id)?.abort(order.reason);
}

/** Loads libtorch. Where it cannot be loaded, every job says why. */
function load(): void {
  try {
    torchVersion();
  } catch (error) {
    if (!(error instanceof ScaloraError)) throw error;
  }
  report({ type: "loaded" });
}

load();
removeLostScratch();
parentPort?.on("message", follow);
