import { expect, test } from "vitest";
import { linearLayers } from "../adapters/core/targets.ts";
import { attach } from "../adapters/index.ts";
import type { LinearAdapter } from "../nn/index.ts";
import { refusal } from "../testing/refusal.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import { addScalar, mul, type Tensor } from "../torch/index.ts";
import { checkMerge } from "./check-merge.ts";

/** Checks the first adapted layer of a model whose LoRA computes as `change` says. */
function check(change: (adapter: LinearAdapter) => LinearAdapter["forward"]): void {
  using model = new TinyLM();
  using adapters = attach(model, { method: "lora" });
  const path = adapters.adaptedPaths()[0] ?? expect.fail("nothing is adapted");
  const layer = new Map(linearLayers(model)).get(path) ?? expect.fail("no layer");
  const adapter = layer.adapter ?? expect.fail("no adapter");
  layer.adapter = { forward: change(adapter) };
  using merged = adapters.mergedWeight(path);
  checkMerge("toy", path, layer, merged);
}

const after =
  (change: (y: Tensor) => Tensor) =>
  (adapter: LinearAdapter): LinearAdapter["forward"] =>
  (x, base) =>
    change(adapter.forward(x, base));

test("a layer that computes with its merged weight passes", () => check(after((y) => y)));

test.each([
  ["a bias of its own", after((y) => addScalar(y, 1e-6)), "bias"],
  ["another weight", after((y) => mul(y, y)), "relative difference"],
])("an adapter with %s is refused", (_, change, found) => {
  expect(() => check(change)).toThrow(refusal("config", { found, message: "method toy" }));
});
