// Everything that makes tensors, on a device that refuses those of the CPU: what a GPU would refuse fails here.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type AdapterOptions, attach } from "../src/adapters/index.ts";
import { listMethods } from "../src/adapters/registry.ts";
import { AnalysisObserver } from "../src/analysis/observer.ts";
import { generateTokens } from "../src/eval/index.ts";
import { classifierFamilies, loadClassifier } from "../src/models/classifiers.ts";
import { loadModel, modelFamilies } from "../src/models/index.ts";
import { labelLossSum } from "../src/nn/classification-loss.ts";
import { tokenStream } from "../src/nn/index.ts";
import { copyGolden } from "../src/testing/golden-models.ts";
import { quantiseLinearLayers } from "../src/testing/quantise-model.ts";
import { TinyLM } from "../src/testing/tiny-lm.ts";
import { temporaryFolder, tinyRun } from "../src/testing/tiny-run.ts";
import { add, Generator, noGrad, randn, scope } from "../src/torch/index.ts";
import { useSecondDevice } from "../src/torch/testing/second-device.ts";
import { train } from "../src/train/trainer.ts";

const second = useSecondDevice();
const scratch = temporaryFolder();
afterAll(scratch.remove);

const ranked = { rank: 2, targetModules: ["mix"] };
const factored = { base: "factored", baseRank: 3 } as const;
const cases: Record<string, AdapterOptions> = {
  full: { method: "full" },
  lora: { method: "lora", ...ranked },
  qlora: { method: "qlora", ...ranked },
  "lora+": { method: "lora+", ...ranked },
  "lora-ga": { method: "lora-ga", ...ranked },
  pissa: { method: "pissa", ...ranked },
  dora: { method: "dora", ...ranked },
  hira: { method: "hira", ...ranked },
  fourierft: { method: "fourierft", frequencies: 12, scaling: 20, targetModules: ["mix"] },
  mora: { method: "mora", ...ranked },
  scalora: { method: "scalora", ...ranked },
  "scalora, factored": { method: "scalora", ...ranked, ...factored },
  "scalora, magnitude": { method: "scalora", ...ranked, magnitude: true },
  "scalora, oracle": { method: "scalora", ...ranked, policy: "svd" },
  "scalora-i": { method: "scalora-i", ...ranked, interval: 2 },
  "relora, factored": { method: "relora", ...ranked, base: "factored", interval: 3 },
  relora: { method: "relora", ...ranked, interval: 3 },
  flora: { method: "flora", ...ranked, interval: 3 },
};

test("every method is tried", () => {
  const tried = new Set(Object.values(cases).map(({ method }) => method));
  expect([...tried].toSorted()).toEqual(
    listMethods()
      .map(({ name }) => name)
      .toSorted(),
  );
});

test("an operator refuses tensors of both devices", () => {
  scope(() => {
    const [here, there] = ["cpu", second].map((device) => randn([2, 3], { device }));
    if (!here || !there) return expect.fail("no tensors");
    expect(() => add(here, there)).toThrow(/second:0 and cpu/);
    expect(() => add(there, there)).not.toThrow();
  });
});

const settings = { steps: 7, evalEvery: 7, saveEvery: 3, accumulate: 2 };

/** Trains, is analysed, stops, and resumes from its checkpoint. @returns the last loss on held-out rows */
async function trainedLoss(name: string, adapter: AdapterOptions, device: string): Promise<number> {
  const folder = join(scratch.path, `${name}-${device.replace(":", "-")}`);
  const fresh = () => new TinyLM({ device });
  for (const until of [4, undefined]) {
    const lm = adapter.method === "qlora" ? quantiseLinearLayers(fresh()) : fresh();
    const run = tinyRun(settings, { folder, resume: until === undefined, adapter, lm });
    const { model, adapters } = run.options;
    const observer = new AnalysisObserver({ model, adapters, original: fresh(), every: 2 });
    const stop = new AbortController();
    const { lastEval } = await train({
      ...run.options,
      observer,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === "step" && event.step === until) stop.abort("test");
      },
    });
    for (const path of adapters.adaptedPaths()) adapters.mergedWeight(path).dispose();
    observer.dispose();
    run.dispose();
    if (until === undefined) return lastEval?.loss ?? expect.fail("no evaluation");
  }
  return expect.fail("no run");
}

test.each(Object.entries(cases))(
  "%s trains, is analysed, resumes and merges beside the CPU as on it",
  async (name, adapter) => {
    const [here, there] = [await trainedLoss(name, adapter, "cpu"), await trainedLoss(name, adapter, second)];
    expect(Math.abs(there - here) / here).toBeLessThan(1e-3);
  },
);

const encoders = new Set(classifierFamilies());
const decoders = modelFamilies().filter((family) => !encoders.has(family));

test.each(decoders)("%s generates beside the CPU what it does on it", async (family) => {
  const folder = copyGolden(scratch.path, family, family === "llama" ? "untied" : "saved");
  const texts = await Promise.all(
    ["cpu", second].map(async (device) => {
      using model = await loadModel(folder, { device });
      using adapters = attach(model, { method: "lora", rank: 2 }, 1);
      expect(adapters.adaptedPaths().length).toBeGreaterThan(0);
      using cache = model.newCache();
      using generator = new Generator(1, device);
      const sampling = { temperature: 1, topK: 5, topP: 0.9 };
      const options = { maxTokens: 5, endTokens: new Set<number>(), sampling, generator };
      const tokens: number[] = [];
      for await (const token of generateTokens(model, cache, [1, 5, 9], options)) tokens.push(token);
      return tokens;
    }),
  );
  expect(texts[1]).toEqual(texts[0]);
});

const classifiers = fileURLToPath(new URL("golden/encoders", import.meta.url));
/** libtorch has convolutions for its own devices only. */
const withoutConvolution = readdirSync(classifiers).filter((name) => !name.includes("conv"));

test.each(withoutConvolution)("%s classifies beside the CPU as on it", async (name) => {
  const losses = await Promise.all(
    ["cpu", second].map(async (device) => {
      using model = await loadClassifier(join(classifiers, name), { device });
      const stream = tokenStream([1, 2, 4], [0, 2, 3], { device });
      return noGrad(() =>
        scope(() => labelLossSum(model.logits(stream), Float64Array.of(0, 1), model.info.regression).item()),
      );
    }),
  );
  expect(losses[1]).toBeCloseTo(losses[0] ?? Number.NaN, 4);
});
