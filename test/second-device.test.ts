// Everything that makes tensors, on a device that refuses those of the CPU: what a GPU would refuse fails here.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type AdapterOptions, attach } from "../src/adapters/index.ts";
import { listMethods } from "../src/adapters/registry.ts";
import { AnalysisObserver } from "../src/analysis/analysis-observer.ts";
import { rankReport } from "../src/analysis/change-rank.ts";
import { generateBatch, generateTokens, logLikelihoods } from "../src/eval/index.ts";
import { mergeAndSave } from "../src/export/export-in-memory.ts";
import { exportSvdAdapter } from "../src/export/export-svd-adapter.ts";
import { loadTokenizer } from "../src/model-files/load-tokenizer.ts";
import { classifierFamilies } from "../src/models/classifier-families.ts";
import { loadModel, modelFamilies } from "../src/models/index.ts";
import { loadClassifier } from "../src/models/load-classifier.ts";
import { labelLossSum } from "../src/nn/classification-loss.ts";
import { tokenStream } from "../src/nn/index.ts";
import { SafetensorsFile } from "../src/safetensors/index.ts";
import { copyGolden } from "../src/testing/golden-models.ts";
import { quantiseLinearLayers } from "../src/testing/quantise-model.ts";
import { refusal } from "../src/testing/refusal.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { TinyLM } from "../src/testing/tiny-lm.ts";
import { temporaryFolder, tinyRun } from "../src/testing/tiny-run.ts";
import { tolerances } from "../src/testing/tolerances.ts";
import "../src/testing/close-to.ts";
import { add, add_, Generator, noGrad, randn, scope } from "../src/torch/index.ts";
import { useSecondDevice } from "../src/torch/second-device.ts";
import { hashModel } from "../src/train/model-hash.ts";
import { train } from "../src/train/trainer.ts";
import { zip } from "../src/util/elements.ts";

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
    expect(() => add(here, there)).toThrow(
      refusal("tensor", { where: "aten::add", message: "second:0 and cpu" }),
    );
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

const prompts = [[5, 6, 7, 8], [9]];
const { signal } = new AbortController();

/** Outputs, log-likelihoods and hash of a model. */
async function evaluated(folder: string, device: string) {
  using model = await loadModel(folder, { device });
  const requests = prompts.map((prompt, seed) => ({ name: `prompt ${seed}`, prompt, seed }));
  const sampling = { temperature: 1, topK: 5, topP: 0.9 };
  const limits = { maxTokens: 4, endTokens: new Set<number>(), stop: [], batch: 2, signal };
  const decode = async (ids: readonly number[]) => ids.join(" ");
  const outputs: (readonly number[])[] = [];
  for await (const output of generateBatch(model, requests, { ...limits, sampling, decode }))
    outputs[output.index] = output.tokens;
  const scored = prompts.map((prefix) => ({ name: "text", continuations: [{ prefix, tokens: [1, 2] }] }));
  const likelihoods: number[] = [];
  for await (const { values } of logLikelihoods(model, scored, { passTokens: 8, signal }))
    likelihoods.push(...values);
  return { hash: hashModel(model), outputs, likelihoods };
}

test("outputs in batches, log-likelihoods and the model's hash are those of the CPU", async () => {
  const folder = join(scratch.path, "evaluated");
  writeTinyLlama(folder);
  const [here, there] = [await evaluated(folder, "cpu"), await evaluated(folder, second)];
  expect(here.outputs.map(({ length }) => length)).toEqual([4, 4]);
  expect([there.hash, there.outputs]).toEqual([here.hash, here.outputs]);
  expect(there.likelihoods).toBeCloseToAll(here.likelihoods, tolerances.logits);
});

/** All numbers of a file of weights. */
function numbersIn(path: string): number[] {
  using file = SafetensorsFile.open(path);
  return scope(() => [...file.entries.keys()].flatMap((name) => [...file.tensor(name).toFloats()]));
}

/** Exports of a model with an adapter that has learnt something: the ranks, and the numbers of every file of weights. */
async function exported(baseFolder: string, device: string) {
  const out = join(scratch.path, `exports-${device.replace(":", "-")}`);
  const loadOriginal = () => loadModel(baseFolder, { device });
  using model = await loadOriginal();
  using original = await loadOriginal();
  using adapters = attach(model, { method: "scalora", rank: 2, ...factored, targetModules: ["q_proj"] }, 1);
  using generator = new Generator(1, device);
  for (const { value } of adapters.trainables())
    noGrad(() => scope(() => void add_(value, randn(value.shape, { generator, device }))));
  const { layers } = rankReport(model, adapters, original);
  mergeAndSave(model, adapters, { baseFolder, out: join(out, "merged") });
  adapters.saveAdapter(join(out, "adapter"), baseFolder);
  const open = { model, adapters, baseFolder, loadOriginal, recipe: undefined, checkpoint: undefined };
  const tokenizer = await loadTokenizer(baseFolder);
  const unused = { tokenizer, dispose: () => {}, [Symbol.dispose]: () => {} };
  const { rank } = await exportSvdAdapter({ ...open, ...unused }, join(out, "svd"), { rank: 2 }, signal);
  const files = ["merged/model", "adapter/adapter_model", "svd/adapter_model"];
  const weights = files.map((name) => numbersIn(join(out, `${name}.safetensors`)));
  return { ranks: [...layers.map((layer) => layer.rank), rank], weights };
}

test("exports and ranks of a change are those of the CPU", async () => {
  const folder = join(scratch.path, "exported");
  writeTinyLlama(folder);
  const [here, there] = [await exported(folder, "cpu"), await exported(folder, second)];
  expect(here.ranks).toEqual([2, 2, 2]);
  expect(there.ranks).toEqual(here.ranks);
  for (const [weights, expected] of zip(there.weights, here.weights))
    expect(weights).toBeCloseToAll(expected, tolerances.logits);
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
