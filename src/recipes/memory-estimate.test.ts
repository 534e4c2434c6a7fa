import { expect, test } from "vitest";
import { type AdapterOptions, attach } from "../adapters/index.ts";
import { createModel } from "../models/index.ts";
import type { CausalLM } from "../nn/index.ts";
import { AdamW } from "../optim/index.ts";
import { quantiseLinearLayers } from "../testing/quantise-model.ts";
import { tinyLlamaConfig } from "../testing/tiny-llama.ts";
import { Generator } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { checkpointBytes, estimateMemory } from "./memory-estimate.ts";

/** What a method at a rank is estimated to take, in bytes, and the numbers that it trains. */
function estimate(options: AdapterOptions, tokens: number, prepare = (model: CausalLM) => model) {
  using generator = new Generator(1, "cpu");
  using model = prepare(createModel(tinyLlamaConfig, generator));
  const adapters = attach(model, options);
  const optimizer = new AdamW(adapters.trainables());
  try {
    const parts = { model, adapters, optimizer };
    const { total: memory } = estimateMemory(parts, { tokens, before: 0 });
    return { memory, checkpoint: checkpointBytes(parts), ...adapters.parameterCounts() };
  } finally {
    optimizer.dispose();
    adapters.dispose();
  }
}

const lora = (rank: number): AdapterOptions => ({ method: "lora", rank, targetModules: "all-linear" });

test("each trained number costs its value, gradient and two moments in memory, a checkpoint all but the gradient", () => {
  const [small, large] = [estimate(lora(1), 10), estimate(lora(4), 10)];
  const added = large.trainable - small.trainable;
  expect(added).toBeGreaterThan(0);
  expect(large.memory - small.memory).toBe(16 * added);
  expect(large.checkpoint - small.checkpoint).toBe(12 * added);
});

test("weights in 4 bits count as their codes, with the numbers of the largest", () => {
  const [dense, nf4] = [estimate(lora(1), 10), estimate(lora(1), 10, quantiseLinearLayers)];
  expect([nf4.all, nf4.trainable]).toEqual([dense.all, dense.trainable]);
  using generator = new Generator(1, "cpu");
  using model = createModel(tinyLlamaConfig, generator);
  const counts = [...model.namedParameters()].flatMap(([name, { numel }]) =>
    name.endsWith("_proj.weight") ? [numel] : [],
  );
  const numbers = counts.reduce((sum, count) => sum + count, 0);
  const codebook = 4 * (16 + 256);
  const own = counts.reduce((sum, count) => sum + count / 2 + Math.ceil(count / 64) + 8, codebook);
  expect(dense.memory - nf4.memory).toBe(4 * numbers - own - 4 * Math.max(...counts));
});

test("full fine-tuning has no values beside the weights, whose gradients and moments count", () => {
  const [full, small] = [estimate({ method: "full" }, 10), estimate(lora(1), 10)];
  const moments = (trainable: number) => 12 * trainable;
  const own = 4 * small.trainable;
  // A step counter for each tensor is all that is left.
  const rest = full.memory - moments(full.trainable) - (small.memory - moments(small.trainable) - own);
  expect(Math.abs(rest)).toBeLessThan(4 * 64);
});

test("every token of a batch costs the inputs and outputs of all linear layers but the last", () => {
  // Beyond the tokens whose logits make a chunk.
  const perToken = estimate(lora(1), 20_001).memory - estimate(lora(1), 20_000).memory;
  using generator = new Generator(1, "cpu");
  using model = createModel(tinyLlamaConfig, generator);
  const weights = [...model.namedParameters()].filter(([name]) => name.endsWith("_proj.weight"));
  expect(perToken).toBe(
    4 * weights.reduce((sum, [, { shape }]) => sum + elementAt(shape, 0) + elementAt(shape, 1), 0),
  );
});
