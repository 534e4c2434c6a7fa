import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createModel } from "../models/index.ts";
import { eventsOfType, type RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { refusal } from "../testing/refusal.ts";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { tinyLlamaConfig } from "../testing/tiny-llama.ts";
import { temporaryFolder, tinyRun } from "../testing/tiny-run.ts";
import { endRecording, Generator } from "../torch/index.ts";
import type { TrainOptions, TrainSettings } from "../train/train-options.ts";
import { train } from "../train/trainer.ts";
import { required } from "../util/elements.ts";
import { RunProfiler } from "./run-profiler.ts";

const made = checkTensorLeaks();
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const pathOf = (name: string) => join(folder.path, name);

/** A run of a Llama of two layers with ScaLoRA, in a folder. */
function makeRun(name: string, settings: TrainSettings, { resume = false } = {}): TrainOptions {
  using generator = new Generator(3, "cpu");
  const run = tinyRun(settings, {
    folder: pathOf(name),
    resume,
    lm: createModel(tinyLlamaConfig, generator),
    adapter: { method: "scalora", rank: 2, targetModules: "all-linear" },
  });
  made.push(run);
  return run.options;
}

async function trainProfiled(options: TrainOptions) {
  using profiler = new RunProfiler(options.model, required(options.run, "its folder").folder);
  return await train({ ...options, profiler });
}

const events = (name: string) => readEvents(pathOf(name));
const profiles = (name: string) => eventsOfType(events(name), "profile");

test("a profiled run has the losses and weights of one without, bit for bit, and says which steps were profiled", async () => {
  const settings = { steps: 7, accumulate: 2, evalEvery: 3 };
  const [plain, profiled] = [makeRun("plain", settings), makeRun("profiled", settings)];
  await train(plain);
  await trainProfiled(profiled);
  const figures = (name: string) =>
    events(name)
      .filter(({ type }) => type !== "profile")
      .map((event) => ({ ...event, time: "", seconds: 0, memory: 0 }));
  expect(figures("profiled")).toEqual(figures("plain"));
  const weights = ({ adapters }: TrainOptions) => adapters.trainables().map(({ value }) => value.toFloats());
  expect(weights(profiled)).toEqual(weights(plain));
  expect(profiles("profiled")).toMatchObject([{ step: 5, steps: [3, 4, 5], warmUp: 2 }]);
  expect(events("profiled").filter(({ type }) => type === "warning")).toEqual([]);
});

test("the table and the trace have forward and backward of the model's modules by their paths", async () => {
  await trainProfiled(makeRun("run", { steps: 5 }));
  const [profile] = profiles("run");
  const { byModule, phases, seconds, operators, javascript, idle } = required(profile, "the profile");
  const paths = byModule
    .filter(({ forward, backward }) => forward.seconds > 0 && backward.seconds > 0)
    .map(({ path }) => path);
  // Nothing needs a gradient before the first adapters.
  for (const name of [
    "0.self_attn.q_proj",
    "0.self_attn",
    "0.mlp.down_proj",
    "1.input_layernorm",
    "1.mlp.up_proj",
  ])
    expect(paths).toContain(`model.layers.${name}`);
  expect(paths).not.toContain("model.layers.0.input_layernorm");
  expect(phases.map(({ name }) => name)).toEqual([
    "data",
    "method",
    "forward",
    "backward",
    "gradients",
    "optimizer",
  ]);
  expect(operators + javascript + idle).toBeCloseTo(seconds, 9);
  expect(phases.reduce((sum, phase) => sum + phase.seconds, 0)).toBeLessThanOrEqual(seconds);
  const text = readFileSync(join(pathOf("run"), "profile.txt"), "utf8");
  expect(text).toMatch(/^profile of steps 3 to 5, after 2 to warm up/);
  expect(text).toContain("\nmodel.layers.1.self_attn.q_proj ");
  const { traceEvents } = JSON.parse(readFileSync(join(pathOf("run"), "trace.json"), "utf8"));
  expect(
    traceEvents
      .filter(({ cat }: { cat: string }) => cat === "step")
      .map(({ name }: { name: string }) => name),
  ).toEqual(["step 3", "step 4", "step 5"]);
});

test.each([
  { steps: 4, profiled: [3, 4], warmUp: 2 },
  { steps: 3, profiled: [3], warmUp: 2 },
  { steps: 2, profiled: [2], warmUp: 1 },
  { steps: 1, profiled: [1], warmUp: 0 },
])("a run of $steps steps profiles what it has", async ({ steps, profiled, warmUp }) => {
  await trainProfiled(makeRun("run", { steps }));
  expect(profiles("run")).toMatchObject([{ steps: profiled, warmUp }]);
});

test("a step of many micro-batches is recorded up to the sixteenth, which the profile says", async () => {
  await trainProfiled(makeRun("run", { steps: 2, accumulate: 18 }));
  const [profile] = profiles("run");
  expect(profile).toMatchObject({ steps: [2], microBatches: 16 });
  expect(profile?.phases.map(({ name }) => name)).toEqual(["data", "method", "forward", "backward"]);
  expect(eventsOfType(events("run"), "step").map(({ step }) => step)).toEqual([1, 2]);
});

test("a resumed process warms up anew, and replaces the files", async () => {
  await trainProfiled(makeRun("run", { steps: 5, saveEvery: 5 }));
  const before = readFileSync(join(pathOf("run"), "trace.json"), "utf8");
  for (const run of made.splice(0)) run.dispose();
  await trainProfiled(makeRun("run", { steps: 20 }, { resume: true }));
  expect(profiles("run").map(({ steps }) => steps)).toEqual([
    [3, 4, 5],
    [8, 9, 10],
  ]);
  expect(readFileSync(join(pathOf("run"), "trace.json"), "utf8")).not.toBe(before);
});

test("a run that stops profiles the steps until then, and warns when there are none", async () => {
  for (const { last, profiled } of [
    { last: 4, profiled: [[3, 4]] },
    { last: 2, profiled: [] },
  ]) {
    const stop = new AbortController();
    const onEvent = (event: RunEvent) => {
      if (event.type === "step" && event.step === last) stop.abort("SIGINT");
    };
    const name = `stopped-after-${last}`;
    await trainProfiled({ ...makeRun(name, { steps: 20 }), signal: stop.signal, onEvent });
    expect(profiles(name).map(({ steps }) => steps)).toEqual(profiled);
    const warnings = events(name).filter(({ type }) => type === "warning");
    expect(warnings.map(({ step }) => step)).toEqual(profiled.length > 0 ? [] : [2]);
    expect(existsSync(join(pathOf(name), "trace.json"))).toBe(profiled.length > 0);
  }
});

test("a step that fails while it is recorded ends the recording, and the model has no labels", async () => {
  const options = makeRun("run", { steps: 5 });
  const adapters = Object.create(options.adapters, {
    beforeClip: {
      value: ({ step }: { step: number }) => {
        if (step === 3) throw new Error("its own");
      },
    },
  });
  await expect(trainProfiled({ ...options, adapters })).rejects.toThrow("its own");
  expect(endRecording).toThrow(refusal("internal"));
  const labelled = [...options.model.namedModules()].filter(([, module]) => Object.hasOwn(module, "forward"));
  expect(labelled).toEqual([]);
});
