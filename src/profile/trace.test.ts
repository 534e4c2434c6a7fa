import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { madeStep } from "./testing/recorded.ts";
import { writeTrace } from "./trace.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

test("a trace has each event as a complete one in microseconds, from the first step on, and names its threads", () => {
  const path = join(folder.path, "trace.json");
  writeTrace(path, [madeStep(3), madeStep(4)]);
  const { traceEvents, ...rest } = JSON.parse(readFileSync(path, "utf8"));
  expect(rest).toEqual({ displayTimeUnit: "ms" });
  expect(traceEvents).toHaveLength(2 * 14 + 2);
  const { pid } = process;
  expect(traceEvents[0]).toEqual({ name: "step 3", cat: "step", ph: "X", pid, tid: 1, ts: 0, dur: 1e7 });
  expect(traceEvents[4]).toEqual({
    name: "scalora::lora_linear",
    cat: "operator",
    ph: "X",
    pid,
    tid: 1,
    ts: 1e6,
    dur: 2e6,
    args: { module: "model.layers.0.mlp", sequence: 7 },
  });
  expect(traceEvents[11]).toEqual({
    name: "LoraLinearBackward",
    cat: "node",
    ph: "X",
    pid,
    tid: 2,
    ts: 6e6,
    dur: 2e6,
    args: { module: "model.layers.0.mlp", sequence: 7 },
  });
  expect(traceEvents[14]).toMatchObject({ name: "step 4", ts: 2e7 });
  expect(traceEvents.slice(-2).map((event: { args: unknown }) => event.args)).toEqual([
    { name: "main" },
    { name: "backward" },
  ]);
});
