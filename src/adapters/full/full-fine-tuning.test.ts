import { afterEach, expect, test } from "vitest";
import { collate } from "../../data/collate.ts";
import { causalLossSum } from "../../nn/causal-loss.ts";
import { refusal } from "../../testing/refusal.ts";
import { countingExamples } from "../../testing/tiny-data.ts";
import { TinyLM, type TinyLMOptions } from "../../testing/tiny-lm.ts";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { FullFineTuning } from "./full-fine-tuning.ts";

const made: { dispose(): void }[] = [];
afterEach(() => {
  for (const thing of made.splice(0).reverse()) thing.dispose();
  expect(torch.liveTensorCount()).toBe(0);
});

function attached(options?: TinyLMOptions) {
  const model = new TinyLM(options);
  const adapters = new FullFineTuning(model);
  made.push(model, adapters);
  return { model, adapters };
}

test("every parameter is trained, a tied embedding once, and norms and biases do not decay", () => {
  const { adapters } = attached({ tied: true });
  expect(adapters.trainables().map(({ name, decay }) => [name, decay])).toEqual([
    ["embed_tokens.weight", true],
    ["mix.weight", true],
    ["mix.bias", false],
    ["norm.weight", false],
  ]);
  expect(adapters.parameterCounts()).toEqual({ trainable: 13 * 8 + 64 + 16, all: 13 * 8 + 64 + 16 });
  expect(adapters.adaptedPaths()).toEqual(["mix", "lm_head"]);
});

test("attaching changes nothing and tied weights stay tied", () => {
  const model = new TinyLM({ tied: true });
  const before = model.embed_tokens.denseWeight().toFloats();
  const adapters = new FullFineTuning(model);
  made.push(model, adapters);
  expect(model.lm_head.weight).toBe(model.embed_tokens.weight);
  expect(model.embed_tokens.denseWeight().toFloats()).toEqual(before);
});

test("autograd adds to the gradients given, through both uses of a tied weight; zeroGrad clears them", () => {
  const { model, adapters } = attached({ tied: true });
  const batch = collate(countingExamples(3));
  const backward = () => torch.scope(() => causalLossSum(model, batch).backward());
  backward();
  const once = adapters.trainables().map(({ grad }) => grad.toFloats());
  for (const grad of once) expect(Math.max(...grad)).toBeGreaterThan(0);
  backward();
  adapters.trainables().forEach(({ grad }, i) => {
    grad.toFloats().forEach((x, j) => {
      expect(x).toBeCloseTo(2 * elementAt(elementAt(once, i), j), 4);
    });
  });
  adapters.zeroGrad();
  for (const { grad } of adapters.trainables()) expect(new Set(grad.toFloats())).toEqual(new Set([0]));
});

test("state and loadState carry every weight; mergedWeight is a float32 copy", () => {
  const [a, b] = [attached({ seed: 1, dtype: "bfloat16" }), attached({ seed: 2, dtype: "bfloat16" })];
  const state = a.adapters.state();
  b.adapters.loadState((name) => state.get(name) ?? expect.fail(name));
  for (const [name, tensor] of b.adapters.state()) expect(tensor.data()).toEqual(state.get(name)?.data());
  using merged = a.adapters.mergedWeight("mix");
  expect(merged.dtype).toBe("float32");
  expect(merged.toFloats()).toEqual(a.model.mix.denseWeight().toFloats());
  expect(() => a.adapters.mergedWeight("norm")).toThrow(refusal("model", { where: /^norm$/ }));
});

test("after dispose the model is as before: weights kept, no gradients asked for", () => {
  const model = new TinyLM();
  const adapters = new FullFineTuning(model);
  made.push(model);
  adapters.dispose();
  for (const [, parameter] of model.namedParameters()) {
    expect(parameter.requiresGrad).toBe(false);
    expect(parameter.grad).toBeUndefined();
  }
});
