import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AdapterOptions } from "../adapters/index.ts";
import { attachScalora } from "../adapters/scalora/attach-scalora.ts";
import { scaloraSchema } from "../adapters/scalora/options.ts";
import { moveTrainables } from "../adapters/testing/contract-matrix.ts";
import { collate } from "../data/collate.ts";
import { Linear } from "../nn/index.ts";
import { AdamW, makeSchedule } from "../optim/index.ts";
import { requestControl } from "../run/control-command.ts";
import type { AnalysisEvent, RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { countingExamples } from "../testing/tiny-data.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import { type TinyRun, temporaryFolder, tinyRun } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { listCheckpoints } from "../train/checkpoints/read-checkpoint.ts";
import { objectiveOf } from "../train/objective.ts";
import { trainStep } from "../train/step.ts";
import { train } from "../train/trainer.ts";
import { elementAt, mapTuple } from "../util/elements.ts";
import { AnalysisObserver, isAnalysisRecord, roundRobinLayers } from "./analysis-observer.ts";
import { GradientCollector } from "./gradient-collector.ts";
import { signalShare } from "./signal-share.ts";

checkTensorLeaks();
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const settings = { steps: 13, evalEvery: 13, saveEvery: 4, accumulate: 2 };
const scaling = { rank: 2, alpha: 4, targetModules: ["mix"] };

interface Parts {
  readonly adapter: AdapterOptions;
  readonly dtype?: torch.DType | undefined;
  readonly every?: number;
  readonly until?: number;
  readonly resume?: boolean;
}

/** Trains the tiny model, analysed every so many steps or not at all. @returns events, and hashes of the last checkpoint */
async function trained(name: string, { adapter, dtype = "float32", every, until, resume = false }: Parts) {
  const path = join(folder.path, name);
  const run: TinyRun = tinyRun(settings, { folder: path, resume, adapter, dtype });
  const { model, adapters } = run.options;
  const observer =
    every === undefined
      ? undefined
      : new AnalysisObserver({ model, adapters, original: new TinyLM({ dtype }), every });
  await train({
    ...run.options,
    ...(observer && { observer }),
    onEvent: (event) => {
      if (event.type === "step" && event.step === until) requestControl(path, "stop");
    },
  });
  observer?.dispose();
  run.dispose();
  const last = listCheckpoints(join(path, "checkpoints")).at(-1) ?? expect.fail("no checkpoint");
  const { files } = JSON.parse(readFileSync(join(last.path, "manifest.json"), "utf8"));
  delete files["state.json"];
  return { events: readEvents(path), files };
}

const records = (events: readonly RunEvent[]) =>
  events.filter((event): event is AnalysisEvent & { time: string } => event.type === "analysis");
const contents = (events: readonly RunEvent[]) =>
  records(events).map(({ step, layers }) => ({ step, layers }));

test.each<[string, AdapterOptions, torch.DType?]>([
  ["ScaLoRA", { method: "scalora", ...scaling }],
  ["ScaLoRA in bfloat16", { method: "scalora", ...scaling }, "bfloat16"],
  ["ScaLoRA-I", { method: "scalora-i", ...scaling, interval: 3 }],
  ["the oracle", { method: "scalora", ...scaling, policy: "svd" }],
  ["LoRA", { method: "lora", ...scaling }],
  ["DoRA", { method: "dora", ...scaling }],
  ["ScaLoRA with magnitudes", { method: "scalora", ...scaling, magnitude: true }],
  ["ReLoRA", { method: "relora", ...scaling, interval: 4 }],
  ["full fine-tuning", { method: "full" }],
])("analysed or not, %s trains the same weights and moments, bit for bit", async (_, adapter, dtype) => {
  const plain = await trained("plain", { adapter, dtype });
  const analysed = await trained("analysed", { adapter, dtype, every: 4 });
  expect(analysed.files).toEqual(plain.files);
  expect(records(plain.events)).toEqual([]);
  expect(records(analysed.events).length).toBeGreaterThan(2);
  for (const { seconds, layers } of records(analysed.events)) {
    expect(seconds).toBeGreaterThan(0);
    expect(layers.length).toBeGreaterThan(0);
    for (const { gradient } of layers) expect(gradient?.rank).toBeGreaterThan(0);
  }
});

test("a run that is stopped and goes on records each look once, as the uninterrupted one does", async () => {
  const adapter: AdapterOptions = { method: "scalora-i", ...scaling, interval: 3 };
  const whole = await trained("whole", { adapter, every: 2 });
  await trained("parts", { adapter, every: 2, until: 6 });
  const parts = await trained("parts", { adapter, every: 2, resume: true });
  expect(contents(parts.events)).toEqual(contents(whole.events));
  expect(contents(whole.events).map(({ step }) => step)).toEqual([4, 7, 10, 13]);
});

test("what is recorded of an event is what the event did", async () => {
  const { events } = await trained("run", { adapter: { method: "scalora", ...scaling }, every: 1 });
  expect(records(events).map(({ step }) => step)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  for (const { step, layers } of records(events)) {
    const { scaling: seen } = elementAt(layers, 0);
    const event = events.find((other) => other.type === "method" && other.step === step);
    const report = event?.type === "method" ? event.report : expect.fail(`no event at step ${step}`);
    expect(report["branches"]).toEqual({ [seen?.branch ?? ""]: 1 });
    expect(seen?.branches.default).toBe(seen?.branch);
    const [least, , , , largest] = seen?.alpha ?? [];
    expect(report["alpha"]).toMatchObject({ 0: least, 2: largest });
  }
});

// The factors' gradients come from G′ = diag(c)·G, so what the distances are of is ‖G′ − (G′BBᵀ + AAᵀG′)/ρ²‖ / ‖G′‖.
test.each([false, true])(
  "distances are of the gradient that the factors see (magnitudes: %s)",
  (magnitude) => {
    const model = new TinyLM({ dtype: "float64" });
    const given = { rank: 2, magnitude, scale: { columnNorm: 0.7 }, targetModules: ["mix"] };
    const options = scaloraSchema.parse({ method: "scalora", ...given });
    const adapters = attachScalora(model, options, { seed: 1 });
    moveTrainables(adapters);
    const analysis = new AnalysisObserver({
      model,
      adapters,
      original: new TinyLM({ dtype: "float64" }),
      every: 1,
    });
    torch.scope(() => {
      const context = { step: 2, warmupSteps: 0, peakLr: 0.01, lr: 0.01, moments: () => undefined };
      analysis.beforeForward(context);
      const watch = new GradientCollector([["mix", model.mix]]);
      objectiveOf(model)
        .lossSum(collate(countingExamples(6)), undefined)
        .backward();
      const { whole: G } = watch.take().get("mix") ?? expect.fail("not collected");
      torch.noGrad(() => {
        analysis.afterBackward(context);
        const { bank, index } = adapters.find("mix");
        const [A, B] = mapTuple([bank.A, bank.B], (stack) => torch.select(stack, 0, index));
        const effective = adapters.mergedWeight("mix", "float64");
        const direction = torch.add(
          model.mix.plainWeight(),
          torch.matmul(torch.mulScalar(A, bank.shape.scale), torch.transpose(B, 0, 1)),
        );
        // c, row by row: the effective weight is diag(c) times the direction.
        const c = torch.div(torch.select(effective, 1, 0), torch.select(direction, 1, 0));
        const seen = torch.mul(G, torch.unsqueeze(c, 1));
        const product = torch.add(
          torch.matmul(seen, torch.matmul(B, torch.transpose(B, 0, 1))),
          torch.matmul(torch.matmul(A, torch.transpose(A, 0, 1)), seen),
        );
        const apart = torch.sub(seen, torch.divScalar(product, 0.7 ** 2));
        const expected = torch.linalgVectorNorm(apart).item() / torch.linalgVectorNorm(seen).item();
        const unscaled = analysis.afterStep()?.layers[0]?.scaling?.distance?.unscaled;
        expect(unscaled).toBeCloseTo(expected, 8);
      });
    });
    analysis.dispose();
    adapters.dispose();
    model.dispose();
  },
);

test("φ is of the two halves of a step's micro-batches, and absent with one", async () => {
  const model = new TinyLM({ dtype: "float64" });
  const given = { rank: 2, targetModules: ["mix"] };
  const adapters = attachScalora(model, scaloraSchema.parse({ method: "scalora", ...given }), { seed: 1 });
  moveTrainables(adapters);
  const original = new TinyLM({ dtype: "float64" });
  const analysis = new AnalysisObserver({ model, adapters, original, every: 1 });
  const optimizer = new AdamW(adapters.trainables());
  const schedule = makeSchedule({ name: "constant", lr: 0.01, steps: 9 });
  const rows = countingExamples(6);
  const batches = [rows.slice(0, 2), rows.slice(2, 4), rows.slice(4)].map((examples) => collate(examples));
  const gradientOf = (some: typeof batches) => {
    const watch = new GradientCollector([["mix", model.mix]]);
    for (const batch of some) objectiveOf(model).lossSum(batch, undefined).backward();
    adapters.zeroGrad();
    return watch.take().get("mix")?.whole ?? expect.fail("not collected");
  };
  const expected = torch.scope(() => {
    const { A, B } = adapters.lowRank?.factors?.("mix") ?? expect.fail("no factors");
    const halves = mapTuple([batches.slice(0, 2), batches.slice(2)], gradientOf);
    return signalShare(...halves, { A, B });
  });
  const observed = async (step: number, some: typeof batches) => {
    const parts = { model, adapters, optimizer, schedule, clip: 0, observer: analysis };
    return (await trainStep(parts, some, step)).observation?.layers[0]?.gradient;
  };
  expect((await observed(2, batches))?.signal).toBeCloseTo(expected, 10);
  expect(Math.abs(expected)).toBeGreaterThan(1e-3);
  expect(await observed(3, batches.slice(0, 1))).not.toHaveProperty("signal");
  for (const part of [optimizer, analysis, adapters, model]) part.dispose();
});

test("LoRA's change has at most its rank", async () => {
  const { events } = await trained("run", { adapter: { method: "lora", ...scaling }, every: 4 });
  expect(records(events).map(({ step }) => step)).toEqual([1, 4, 8, 12]);
  for (const { layers } of records(events)) {
    expect(elementAt(layers, 0).change.rank).toBeLessThanOrEqual(2);
    expect(elementAt(layers, 0).change.entropyRank).toBeLessThanOrEqual(2);
    expect(elementAt(layers, 0)?.gradient).toMatchObject({ directions: 4, complete: true });
  }
});

test("a method with events is looked at when it has one, any other at each stretch's first step", () => {
  const steps = (hasEvent: ((at: { step: number }) => boolean) | undefined, every: number) =>
    Array.from({ length: 30 }, (_, i) => i + 1).filter((step) =>
      isAnalysisRecord(
        { adapters: { scaling: hasEvent && { hasEvent, preview: () => [] } }, every },
        { step, warmupSteps: 0 },
      ),
    );
  expect(steps(undefined, 10)).toEqual([1, 10, 20, 30]);
  expect(steps(({ step }) => step % 4 === 3, 10)).toEqual([3, 11, 23]);
  expect(steps(({ step }) => step === 25, 10)).toEqual([25]);
});

test("where the gradients are more than the budget, the layers take turns", () => {
  torch.scope(() => {
    const layers = Array.from(
      { length: 7 },
      (_, i) => [`${i}`, new Linear(torch.zeros([2, 5], { device: "cpu" }))] as const,
    );
    const pathsOf = (turn: number, budget: number) =>
      roundRobinLayers(layers, turn, budget).map(([path]) => path);
    expect(pathsOf(4, 70)).toHaveLength(7);
    const turns = [0, 1, 2].map((turn) => pathsOf(turn, 30));
    for (const turn of turns) expect(turn.length).toBeLessThanOrEqual(3);
    expect(turns.flat().sort()).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    expect(pathsOf(3, 30)).toEqual(turns[0]);
  });
});
