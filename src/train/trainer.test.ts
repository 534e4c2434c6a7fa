import { readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FullFineTuning } from "../adapters/full/full-fine-tuning.ts";
import { requestControl } from "../run/control-command.ts";
import type { RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { readStatus } from "../run/status.ts";
import { refusal } from "../testing/refusal.ts";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { temporaryFolder, tinyRun } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { onActivity } from "../util/activity.ts";
import { elementAt } from "../util/elements.ts";
import type { TrainOptions } from "./train-options.ts";
import { train } from "./trainer.ts";

const made = checkTensorLeaks();
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const make = (...parameters: Parameters<typeof tinyRun>): TrainOptions => {
  const run = tinyRun(...parameters);
  made.push(run);
  return run.options;
};
const path = () => `${folder.path}/run`;
const eventsOf = <T extends RunEvent["type"]>(type: T) =>
  readEvents(path()).filter(
    (event): event is Extract<RunEvent, { type: T }> & { time: string } => event.type === type,
  );

test.each([
  ["after the time that was asked for", 0, [3, 6, 9, 10]],
  ["later, where saving takes a twentieth of that", 15, [3, 8, 10]],
])("checkpoints by time come %s", async (_, secondsOfSaving, expected) => {
  let seconds = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => 1000 * seconds);
  const { evalBatches: _none, ...options } = make({ steps: 10, saveSeconds: 200 }, { folder: path() });
  await train({
    ...options,
    afterStep: async () => {
      seconds += 70;
    },
    onEvent: ({ type }) => {
      if (type === "checkpoint") seconds += secondsOfSaving;
    },
  });
  clock.mockRestore();
  expect(eventsOf("checkpoint").map(({ step }) => step)).toEqual(expected);
  expect(eventsOf("checkpoint").map(({ reason }) => reason)).toEqual(
    expected.map((step) => (step === 10 ? "end" : "interval")),
  );
});

test("a run learns, evaluates before, during and after, saves, and tells everything", async () => {
  const options = make(
    { steps: 20, evalEvery: 6, saveEvery: 5, keepLast: 2, accumulate: 2 },
    { folder: path() },
  );
  const result = await train(options);
  expect(result).toMatchObject({ reason: "finished", step: 20 });
  expect(eventsOf("eval").map(({ step }) => step)).toEqual([0, 6, 12, 18, 20]);
  const losses = eventsOf("eval").map(({ loss }) => loss);
  expect(losses[4]).toBeLessThan(elementAt(losses, 0) - 0.3);
  expect(result.firstEval).toEqual({ step: 0, loss: losses[0] });
  expect(result.lastEval).toEqual({ step: 20, loss: losses[4] });
  expect(result.best?.loss).toBe(Math.min(...losses.slice(1)));
  const steps = eventsOf("step");
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(elementAt(steps, 9)?.lr).toBe(options.schedule.lrAt(10));
  expect(steps.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(result.tokens);
  expect(eventsOf("checkpoint").map(({ step, reason }) => [step, reason])).toEqual([
    [5, "interval"],
    [6, "best"],
    [10, "interval"],
    [12, "best"],
    [15, "interval"],
    [18, "best"],
    [20, "end"],
  ]);
  expect(readStatus(path())).toMatchObject({ state: "finished", step: 20, bestEvalLoss: result.best?.loss });
  expect(eventsOf("warning")).toEqual([]);
});

test("what is called after each step sees the model as it is then, and its time is not the run's", async () => {
  const options = make({ steps: 4 });
  const seen: number[] = [];
  const weights: Float64Array[] = [];
  const afterStep = async (step: number) => {
    seen.push(step);
    const [first] = options.adapters.trainables();
    if (first) weights.push(first.value.toFloats());
    await wait(100);
  };
  const started = performance.now();
  const result = await train({ ...options, afterStep });
  const elapsed = (performance.now() - started) / 1000;
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(new Set(weights.map(String)).size).toBe(4);
  // Four waits of 0.1 s, whose timers may be a little early.
  expect(result.seconds).toBeLessThan(elapsed - 0.38);
});

test("the loop leaves no tensor behind", async () => {
  const options = make({ steps: 8, evalEvery: 2, saveEvery: 3 }, { folder: path() });
  const counts: number[] = [];
  const before = torch.liveTensorCount();
  await train({ ...options, onEvent: () => counts.push(torch.liveTensorCount()) });
  expect(new Set(counts)).toEqual(new Set([before]));
});

test("the abort signal stops the run between steps with a checkpoint", async () => {
  const options = make({ steps: 50 }, { folder: path() });
  const stop = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type === "step" && event.step === 4) setImmediate(() => stop.abort("SIGINT"));
  };
  const result = await train({ ...options, signal: stop.signal, onEvent });
  expect(result).toMatchObject({ reason: "stopped", step: 4 });
  expect(result.checkpoint).toContain("step-000004");
  expect(eventsOf("checkpoint")).toMatchObject([
    { step: 4, reason: "stop", path: "checkpoints/step-000004" },
  ]);
  expect(eventsOf("end")).toMatchObject([{ reason: "stopped", message: "SIGINT" }]);
  expect(readStatus(path())).toMatchObject({ state: "stopped", message: "SIGINT" });
});

test("an abort in the middle of a checkpoint is followed once it is whole", async () => {
  const options = make({ steps: 50, saveEvery: 3 }, { folder: path() });
  const stop = new AbortController();
  const end = onActivity(({ what }) => {
    if (what.startsWith("writing")) stop.abort("SIGINT");
  });
  const result = await train({ ...options, signal: stop.signal });
  end();
  // After the step that follows, as ever.
  expect(result).toMatchObject({ reason: "stopped", step: 4 });
  expect(readdirSync(`${path()}/checkpoints`).sort()).toEqual(["step-000003", "step-000004"]);
  made.pop()?.dispose();
  const resumed = await train(make({ steps: 5, saveEvery: 3 }, { folder: path(), resume: true }));
  expect(resumed).toMatchObject({ reason: "finished", step: 5 });
});

test("control.json: checkpoint, pause, continue, stop", async () => {
  const options = make({ steps: 60 }, { folder: path() });
  const onEvent = (event: RunEvent) => {
    if (event.type === "step" && event.step === 3) requestControl(path(), "checkpoint");
    if (event.type === "step" && event.step === 5) requestControl(path(), "pause");
    if (event.type === "pause") {
      expect(readStatus(path())?.state).toBe("paused");
      setTimeout(() => requestControl(path(), "continue"), 30);
    }
    if (event.type === "step" && event.step === 7) requestControl(path(), "stop");
  };
  const result = await train({ ...options, onEvent });
  expect(result).toMatchObject({ reason: "stopped", step: 7 });
  expect(eventsOf("checkpoint").map(({ step, reason }) => [step, reason])).toEqual([
    [3, "request"],
    [7, "stop"],
  ]);
  expect(
    readEvents(path()).flatMap(({ type, step }) =>
      type === "pause" || type === "continue" ? [[type, step]] : [],
    ),
  ).toEqual([
    ["pause", 5],
    ["continue", 5],
  ]);
});

test("patience ends a run whose held-out loss no longer falls; the best checkpoint stays", async () => {
  const options = make(
    { steps: 200, evalEvery: 2, saveEvery: 4, keepLast: 1, patience: 3 },
    { folder: path() },
  );
  const schedule = { ...options.schedule, lrAt: (step: number) => (step <= 8 ? 0.01 : 0) };
  const result = await train({ ...options, schedule });
  expect(result.reason).toBe("early");
  expect(result.best?.step).toBe(8);
  expect(result.step).toBe(14);
  expect(result.bestCheckpoint).toContain("step-000008");
  expect(eventsOf("end")).toMatchObject([{ reason: "early", message: "no lower loss in 3 evaluations" }]);
});

test("parameters that have not moved by step 3 are reported by name", async () => {
  const options = make({ steps: 4 }, { folder: path() });
  const { adapters } = options;
  const frozen = adapters.trainables().find(({ name }) => name === "mix.bias");
  const trainables = adapters.trainables().filter((trainable) => trainable !== frozen);
  const partly = { ...options, optimizer: new (await import("../optim/index.ts")).SGD(trainables) };
  await train(partly);
  expect(eventsOf("warning")).toMatchObject([
    { step: 3, message: "unchanged after 3 steps by method full: mix.bias" },
  ]);
});

test("a run whose method gets no gradient ends by step 3, and the method is named", async () => {
  const options = make({ steps: 9 }, { folder: path() });
  for (const { value } of options.adapters.trainables()) value.setGrad(undefined);
  await expect(train(options)).rejects.toMatchObject({
    code: "run",
    where: "adapter.method: full, step 3",
  });
  expect(eventsOf("end")).toMatchObject([{ reason: "failed", step: 3 }]);
});

test("a loss that is not finite fails the run, says where, and keeps the last checkpoint", async () => {
  const options = make({ steps: 20, saveEvery: 2 }, { folder: path() });
  const onEvent = (event: RunEvent) => {
    if (event.type !== "step" || event.step !== 5) return;
    const weight = elementAt(options.adapters.trainables(), 0);
    torch.noGrad(() => torch.fill_(weight.value, Number.NaN));
  };
  await expect(train({ ...options, onEvent })).rejects.toThrow(
    refusal("run", { message: "step 6", found: "embed_tokens.weight", fix: "train.lr" }),
  );
  expect(eventsOf("end")).toMatchObject([{ step: 5, reason: "failed" }]);
  expect(eventsOf("end")[0]).not.toHaveProperty("systemError");
  expect(readStatus(path())?.state).toBe("failed");
  expect(eventsOf("checkpoint").map(({ step }) => step)).toEqual([2, 4]);
});

test("a run that fails for what the system refuses is not to blame, and its record says so", async () => {
  const options = make({ steps: 4, saveEvery: 2 }, { folder: path() });
  const onEvent = ({ type, step }: RunEvent) => {
    if (type === "step" && step === 1) writeFileSync(`${path()}/checkpoints`, "");
  };
  await expect(train({ ...options, onEvent })).rejects.toMatchObject({ code: "run" });
  expect(eventsOf("end")).toMatchObject([{ step: 2, reason: "failed", systemError: "ENOTDIR" }]);
});

test("an older checkpoint that cannot be read for the moment is not pruned, and warned of once", async () => {
  const options = make({ steps: 8, saveEvery: 2, keepLast: 1 }, { folder: path() });
  const first = `${path()}/checkpoints/step-000002`;
  const { evalBatches: _, ...withoutEvaluations } = options;
  await train({
    ...withoutEvaluations,
    onEvent: ({ type, step }) => {
      if (type !== "checkpoint" || step !== 2) return;
      rmSync(`${first}/manifest.json`);
      symlinkSync("manifest.json", `${first}/manifest.json`);
    },
  });
  expect(eventsOf("checkpoint").map(({ step }) => step)).toEqual([2, 4, 6, 8]);
  expect(readdirSync(`${path()}/checkpoints`)).toEqual(["step-000002", "step-000008"]);
  expect(eventsOf("warning")).toMatchObject([
    { step: 4, message: expect.stringMatching(/^step-000002 is kept.*ELOOP/) },
  ]);
});

test("settings out of range and a folder with an earlier run's checkpoints are refused", async () => {
  await expect(train({ ...make({ steps: 5 }), settings: { steps: 0 } })).rejects.toThrow(
    refusal("config", { message: " steps ", expected: "an integer, at least 1", found: /^0$/ }),
  );
  await expect(train({ ...make({ steps: 5 }), settings: { steps: 5, clip: -1 } })).rejects.toThrow(
    refusal("config", { message: " clip ", expected: "a number, at least 0", found: /^-1$/ }),
  );
  const options = make({ steps: 3 }, { folder: path() });
  await train(options);
  await expect(train(options)).rejects.toThrow(refusal("config", { where: /checkpoints$/, fix: "run.name" }));
});

test("without a run folder nothing is written and the result still tells", async () => {
  const options = make({ steps: 3 });
  expect(options.adapters).toBeInstanceOf(FullFineTuning);
  const result = await train(options);
  expect(result).toMatchObject({ reason: "finished", checkpoint: undefined, bestCheckpoint: undefined });
  expect(result.loss).toBeGreaterThan(0);
});

/** A run whose learning rate destroys the model. */
const diverging = (settings: Partial<TrainOptions["settings"]> = {}): TrainOptions => {
  const options = make({ steps: 120, evalEvery: 20, saveEvery: 40, ...settings }, { folder: path() });
  return { ...options, schedule: { ...options.schedule, lrAt: () => 30 } };
};

test("a run that diverges stops early as failed, with a checkpoint and a reason", async () => {
  await expect(train(diverging())).rejects.toThrow(
    refusal("run", { message: "diverged", found: /^a loss of 2\.\d{4} in the first step/, fix: "train.lr" }),
  );
  const [end] = eventsOf("end");
  expect(end).toMatchObject({ reason: "failed", message: expect.stringContaining("has diverged") });
  expect(end?.step).toBeLessThan(70);
  expect(eventsOf("checkpoint").at(-1)).toMatchObject({ step: end?.step, reason: "stop" });
  expect(readStatus(path())).toMatchObject({ state: "failed", message: end?.message });
});

test("with stopOnDivergence off it trains to its end, which is above its beginning and says so", async () => {
  const result = await train(diverging({ stopOnDivergence: false }));
  const [first, last] = [eventsOf("eval").at(0)?.loss, eventsOf("eval").at(-1)?.loss];
  expect(result).toMatchObject({
    reason: "finished",
    step: 120,
    divergence: expect.stringMatching(
      `^held-out loss ${first?.toFixed(4)} .* ${last?.toFixed(4)} at the end$`,
    ),
  });
  expect(eventsOf("warning")).toMatchObject([
    { step: 120, message: expect.stringContaining("ended worse than it began") },
  ]);
});

test("a resumed run diverges at the step at which the uninterrupted one does", async () => {
  await expect(train(diverging())).rejects.toThrow("diverged");
  const step = eventsOf("end").at(-1)?.step;
  made.pop()?.dispose();
  rmSync(path(), { recursive: true });
  const onEvent = (event: RunEvent) => {
    if (event.type === "step" && event.step === 33) requestControl(path(), "stop");
  };
  expect((await train({ ...diverging(), onEvent })).reason).toBe("stopped");
  made.pop()?.dispose();
  const resumed = make({ steps: 120, evalEvery: 20, saveEvery: 40 }, { folder: path(), resume: true });
  const schedule = { ...resumed.schedule, lrAt: () => 30 };
  await expect(train({ ...resumed, schedule })).rejects.toThrow("diverged");
  expect(eventsOf("end").at(-1)).toMatchObject({ reason: "failed", step });
});

test("an evaluation that is not finite names the module and the rows", async () => {
  const options = make({ steps: 4 }, { folder: path() });
  const [, last] = elementAt([...options.model.namedParameters()].slice(-1), 0);
  torch.noGrad(() => torch.fill_(last, Number.POSITIVE_INFINITY));
  await expect(train(options)).rejects.toThrow(
    refusal("run", { message: "held-out loss", found: "non-finite values in lm_head.weight" }),
  );
});
