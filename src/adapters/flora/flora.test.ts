import { expect, test } from "vitest";
import { AdamW, SGD } from "../../optim/index.js";
import * as torch from "../../torch/index.js";
import { type GivenRun, OneLayer, readRun, stepThrough } from "../testing/given-gradients.js";
import { attachFlora } from "./flora.js";

const run = readRun<GivenRun & { readonly momentum: number }>("flora");
const attached = (model: OneLayer) => {
  const { rank, interval, seed } = run;
  return attachFlora(model, { rank, interval, targetModules: ["layer"] }, seed);
};

test("with momentum, every weight is that of the paper's algorithm on the weight itself", () => {
  using model = new OneLayer(run.weight);
  const adapters = attached(model);
  const optimizer = new SGD(adapters.trainables(), { momentum: run.momentum });
  stepThrough(run, adapters, optimizer, (step, effective) => {
    effective.forEach((x, i) => {
      expect(x, `step ${step}`).toBeCloseTo(run.effective[step - 1].flat()[i], 12);
    });
  });
  expect(adapters.counters()).toEqual({ projections: 2 });
  optimizer.dispose();
  adapters.dispose();
});

test("what is trained and what the optimiser keeps is the projected side alone", () => {
  using model = new OneLayer(run.weight);
  const adapters = attached(model);
  expect(adapters.trainables().map(({ value }) => value.shape)).toEqual([[1, 6, 2]]);
  expect(adapters.parameterCounts().trainable).toBe(12);
  adapters.dispose();
});

test("with AdamW a new projection keeps the size of the steps", () => {
  using model = new OneLayer(run.weight);
  const adapters = attached(model);
  const optimizer = new AdamW(adapters.trainables());
  let last: ArrayLike<number> = run.weight.flat();
  const moved: number[] = [];
  stepThrough(run, adapters, optimizer, (_, effective) => {
    moved.push(Math.hypot(...effective.map((x, i) => x - last[i])));
    last = effective;
  });
  expect(Math.max(...moved)).toBeLessThan(3 * moved[0]);
  const { expAvgSq } = optimizer.moments("bank0.6x5r2.A") ?? expect.fail("no moments");
  expect(
    torch.noGrad(() => torch.scope(() => torch.min(expAvgSq ?? expect.fail("none")).item())),
  ).toBeGreaterThan(0);
  optimizer.dispose();
  adapters.dispose();
});
