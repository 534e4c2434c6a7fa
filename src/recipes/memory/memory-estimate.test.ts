import { expect, test } from "vitest";
import { type AdapterOptions, attach } from "../../adapters/index.ts";
import { collate, type Example } from "../../data/index.ts";
import { createModel } from "../../models/index.ts";
import type { CausalLM } from "../../nn/index.ts";
import { AdamW } from "../../optim/index.ts";
import { quantiseLinearLayers } from "../../testing/quantise-model.ts";
import { refusal } from "../../testing/refusal.ts";
import { tinyLlamaConfig } from "../../testing/tiny-llama.ts";
import { Generator, liveTensorCount, measureMemory, memory, scope } from "../../torch/index.ts";
import { objectiveOf } from "../../train/objective.ts";
import { measureEvaluation, measureTraining } from "./measure-activations.ts";
import { checkpointBytes, keptBytes, memoryNeed, type RunParts } from "./memory-estimate.ts";

/** The result of an action on a method attached to the tiny Llama. */
function withParts<T>(
  options: AdapterOptions,
  action: (parts: RunParts) => T,
  prepare = (model: CausalLM) => model,
): T {
  using generator = new Generator(1, "cpu");
  using model = prepare(createModel(tinyLlamaConfig, generator));
  using adapters = attach(model, options);
  using optimizer = new AdamW(adapters.trainables());
  return action({ model, adapters, optimizer });
}

/** What a method keeps in memory and in a checkpoint, in bytes, and the numbers that it trains. */
const sizes = (options: AdapterOptions, prepare?: (model: CausalLM) => CausalLM) =>
  withParts(
    options,
    (parts) => ({
      memory: keptBytes(parts),
      checkpoint: checkpointBytes(parts),
      ...parts.adapters.parameterCounts(),
    }),
    prepare,
  );

const lora = (rank: number): AdapterOptions => ({ method: "lora", rank, targetModules: "all-linear" });

test("each trained number costs its value, gradient and two moments in memory, a checkpoint all but the gradient", () => {
  const [small, large] = [sizes(lora(1)), sizes(lora(4))];
  const added = large.trainable - small.trainable;
  expect(added).toBeGreaterThan(0);
  expect(large.memory - small.memory).toBe(16 * added);
  expect(large.checkpoint - small.checkpoint).toBe(12 * added);
});

test("weights in 4 bits count as their codes", () => {
  const [dense, nf4] = [sizes(lora(1)), sizes(lora(1), quantiseLinearLayers)];
  expect([nf4.all, nf4.trainable]).toEqual([dense.all, dense.trainable]);
  using generator = new Generator(1, "cpu");
  using model = createModel(tinyLlamaConfig, generator);
  const counts = [...model.namedParameters()].flatMap(([name, { numel }]) =>
    name.endsWith("_proj.weight") ? [numel] : [],
  );
  const numbers = counts.reduce((sum, count) => sum + count, 0);
  const codebook = 4 * (16 + 256);
  const own = counts.reduce((sum, count) => sum + count / 2 + Math.ceil(count / 64) + 8, codebook);
  expect(dense.memory - nf4.memory).toBe(4 * numbers - own);
});

test("full fine-tuning has no values beside the weights, whose gradients and moments count", () => {
  const [full, small] = [sizes({ method: "full" }), sizes(lora(1))];
  const moments = (trainable: number) => 12 * trainable;
  const own = 4 * small.trainable;
  // A step counter for each tensor is all that is left.
  const rest = full.memory - moments(full.trainable) - (small.memory - moments(small.trainable) - own);
  expect(Math.abs(rest)).toBeLessThan(4 * 64);
});

/** Rows of 100 tokens, all but the first of which are labels. */
const rows: readonly Example[] = Array.from({ length: 60 }, (_, row) => ({
  ids: Int32Array.from({ length: 100 }, (_, i) => (row + i) % 250),
  isLabel: Uint8Array.from({ length: 100 }, (_, i) => Math.min(i, 1)),
  source: `rows:${row}`,
}));
const ample = { bytes: 2 ** 50, of: "the machine" } as const;

test("a token more takes what its tensors do in a large batch", () => {
  withParts(lora(2), ({ model }) => {
    const tensors = (count: number) =>
      measureMemory(() =>
        scope(() =>
          objectiveOf(model)
            .lossSum(collate(rows.slice(0, count)))
            .backward(),
        ),
      ).tensors;
    const { perToken } = measureTraining({ model, rows, tokens: 4000, limit: ample });
    expect(perToken / ((tensors(40) - tensors(20)) / 2000)).toBeCloseTo(1, 1);
    const scarce = { ...ample, bytes: memory().resident + 2 ** 20 };
    const measuredLess = measureTraining({ model, rows, tokens: 4000, limit: scarce }).perToken / perToken;
    expect(measuredLess).toBeGreaterThan(0.8);
    expect(measuredLess).toBeLessThan(1.25);
  });
});

test("of a row longer than there is memory for, some hundred tokens are measured", () => {
  const length = 200_000;
  const long = {
    ids: Int32Array.from({ length }, (_, i) => i % 250),
    isLabel: new Uint8Array(length).fill(1, length / 2),
    source: "rows:1",
  };
  withParts(lora(2), ({ model }) => {
    const { peak, resident } = memory();
    const limit = { ...ample, bytes: resident + 2 ** 25 };
    expect(measureTraining({ model, rows: [long], tokens: length, limit }).bytes).toBeGreaterThan(2 ** 28);
    expect(memory().peak - peak).toBeLessThan(2 ** 26);
  });
});

test("a pass for which there is no memory means that the run does not fit; any other fault leaves it unknown what a batch takes", () => {
  withParts(lora(2), (parts) => {
    const failing = (message: string) => () =>
      memoryNeed(
        { ...parts, model: failingModel(parts.model, message) },
        { dataset: { train: [[...rows]], eval: [...rows] }, tokens: 200, limit: ample, peakBefore: 2 ** 50 },
      );
    for (const message of [
      "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
      "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
      "CUDA out of memory. Tried to allocate 9 GiB",
      "not enough memory",
    ])
      expect(failing(message)).toThrow(refusal("config", { found: message }));
    const { perToken, fixed, total, unknown } = failing("another fault")();
    const what = ["a training batch: another fault", "an evaluation: another fault"];
    expect({ perToken, fixed, unknown }).toEqual({ perToken: null, fixed: total, unknown: what });
  });
});

/** A model whose passes fail. */
function failingModel(model: RunParts["model"], message: string): RunParts["model"] {
  const fail = () => {
    throw new Error(message);
  };
  return new Proxy(model, {
    get: (target, key) => (key === "hiddenStates" ? fail : Reflect.get(target, key, target)),
  });
}

test("an evaluation takes what its tensors do in the largest batch, and less than training", () => {
  withParts(lora(2), ({ model }) => {
    const batch = collate(rows.slice(0, 40));
    const { tensors } = measureMemory(() => scope(() => objectiveOf(model).evaluate(batch)));
    const { bytes } = measureEvaluation(model, rows, ample);
    expect(bytes).toBeGreaterThan(0.98 * tensors);
    expect(bytes).toBeLessThan(measureTraining({ model, rows, tokens: 4000, limit: ample }).bytes);
    expect(measureEvaluation(model, [], ample).bytes).toBe(0);
  });
});

test("the need is the largest batch's or that of evaluation; gradients are zero afterwards", () => {
  const before = liveTensorCount();
  const need = (evaluation: Example[], tokens: number) =>
    withParts(lora(2), (parts) => {
      const dataset = { train: [rows.slice(0, 20)], eval: evaluation };
      const found = memoryNeed(parts, { dataset, tokens, limit: ample, peakBefore: 2 ** 50 });
      for (const { grad } of parts.adapters.trainables()) expect(Math.max(...grad.toFloats())).toBe(0);
      return found;
    });
  const [one, all] = [need([...rows], 100), need([], 2000)];
  expect([one.tokens, one.longestRow, all.tokens]).toEqual([100, 100, 2000]);
  expect(one.unknown).toEqual([]);
  expect(one.total).toBe(Math.max(one.least, one.fixed + 100 * (one.perToken ?? Number.NaN)));
  expect(all.total).toBeCloseTo(all.fixed + 2000 * (all.perToken ?? Number.NaN), 0);
  expect(all.total).toBeGreaterThan(all.least);
  expect(liveTensorCount()).toBe(before);
});
