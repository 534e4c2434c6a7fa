import { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { openRun } from "./fine-tune.ts";
import { JobStage } from "./job-stage.ts";
import type { Job, Order } from "./messages.ts";

const isEndless = (job: Job) => job.type === "generate" && job.target.path === "endless";
const terminated = vi.hoisted(() => vi.fn());

/** A thread that writes one piece of a text, and goes on until it is stopped; of another model it loads without end. */
vi.mock("node:worker_threads", async (original) => ({
  ...(await original<typeof import("node:worker_threads")>()),
  Worker: class extends EventEmitter {
    postMessage(order: Order) {
      const summary = { promptTokens: 1, tokens: 1, reason: "interrupted", seconds: 0 };
      const answer = (said: object) => setImmediate(() => this.emit("message", said));
      if (order.type === "job" && !isEndless(order.job)) {
        new JobStage(order.stage).begin();
        answer({ id: order.id, answer: { type: "text", piece: "Once" } });
      }
      if (order.type === "stop") answer({ id: order.id, answer: { type: "generated", summary } });
    }
    ref() {}
    unref() {}
    terminate = terminated;
  },
}));

const closed = refusal("usage", { message: "This run was closed", where: "assets/tiny" });

test("a text that is being written when its run is closed is an error, awaited and in a loop", async () => {
  const run = openRun("assets/tiny");
  const awaited = expect(run.generate("a")).rejects.toThrow(closed);
  const pieces: string[] = [];
  const looped = expect(
    (async () => {
      for await (const piece of run.generate("a")) pieces.push(piece);
    })(),
  ).rejects.toThrow(closed);
  await expect.poll(() => pieces).toEqual(["Once"]);
  await run.close();
  await Promise.all([awaited, looped]);
  expect(pieces).toEqual(["Once"]);
});

test("who ends a text by a signal has what there is of it, also when the run is closed then", async () => {
  const run = openRun("assets/tiny");
  const stop = new AbortController();
  const text = run.generate("a", { signal: stop.signal });
  for await (const piece of text) {
    expect(piece).toBe("Once");
    stop.abort();
  }
  await run.close();
  expect(await text).toBe("Once");
});

test("a text whose model is still being loaded ends with the signal at once, and its thread when it is closed", async () => {
  const run = openRun("endless");
  const stop = new AbortController();
  const [aborted, waiting] = [run.generate("a", { signal: stop.signal }), run.generate("a")];
  setImmediate(() => stop.abort(new Error("not any more")));
  await expect(aborted).rejects.toThrow("not any more");
  terminated.mockClear();
  const left = expect(waiting).rejects.toThrow(refusal("usage", { message: "This run was closed" }));
  await run.close();
  await left;
  expect(terminated).toHaveBeenCalledOnce();
});
