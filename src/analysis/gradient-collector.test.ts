import { expect, test } from "vitest";
import { type AdapterOptions, attach } from "../adapters/index.ts";
import { distance, moveTrainables } from "../adapters/testing/contract-matrix.ts";
import { requireLowRank } from "../adapters/testing/low-rank.ts";
import { collate } from "../data/collate.ts";
import { countingExamples } from "../testing/tiny-data.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import * as torch from "../torch/index.ts";
import { objectiveOf } from "../train/objective.ts";
import { elementAt } from "../util/elements.ts";
import { GradientCollector } from "./gradient-collector.ts";

const rows = countingExamples(6);
const batches = [collate(rows.slice(0, 4)), collate(rows.slice(4))];

function lossSum(model: TinyLM): torch.Tensor {
  const sums = batches.map((batch) => objectiveOf(model).lossSum(batch, undefined));
  return torch.sum(torch.stack(sums));
}

/** The gradient of the effective weight by central differences, in float64. */
function differences(model: TinyLM): Float64Array {
  const weight = model.mix.plainWeight();
  const step = 1e-5;
  return torch.noGrad(() =>
    Float64Array.from({ length: weight.numel }, (_, at) => {
      const entry = torch.select(torch.view(weight, [-1]), 0, at);
      const lossAt = (change: number) => {
        torch.addScalar_(entry, change);
        const loss = torch.scope(() => lossSum(model).item());
        torch.addScalar_(entry, -change);
        return loss;
      };
      return (lossAt(step) - lossAt(-step)) / (2 * step);
    }),
  );
}

test.each<AdapterOptions>([{ method: "lora", rank: 2, targetModules: ["mix"] }, { method: "full" }])(
  "$method: what is collected is the gradient of the effective weight",
  (options) => {
    const live = torch.liveTensorCount();
    const model = new TinyLM({ dtype: "float64" });
    const adapters = attach(model, options, 1);
    torch.scope(() => {
      const { mix } = model;
      const hung = mix.adapter;
      const before = lossSum(model).item();
      const watch = new GradientCollector([["mix", mix]]);
      const loss = lossSum(model);
      expect(loss.item()).toBe(before);
      loss.backward();
      const { whole: gradient } = watch.take().get("mix") ?? expect.fail("not collected");
      expect(mix.adapter).toBe(hung);
      const values = gradient.toFloats();
      const expected = differences(model);
      const far = Math.max(...values.map((value, i) => Math.abs(value - elementAt(expected, i))));
      expect(far).toBeLessThan(1e-6 * Math.max(...expected.map(Math.abs)));
    });
    adapters.dispose();
    model.dispose();
    expect(torch.liveTensorCount()).toBe(live);
  },
);

test.each<AdapterOptions>([
  { method: "lora", rank: 2, targetModules: ["mix"] },
  { method: "dora", rank: 2, targetModules: ["mix"] },
  { method: "hira", rank: 2, targetModules: ["mix"] },
  { method: "scalora", rank: 2, magnitude: true, targetModules: ["mix"] },
])(
  "$method: the factors' gradients are s·G·B and s·Gᵀ·A of the gradient that they are said to see",
  (options) => {
    const model = new TinyLM({ dtype: "float64" });
    const adapters = requireLowRank(attach(model, options, 1));
    moveTrainables(adapters);
    torch.scope(() => {
      const watch = new GradientCollector([["mix", model.mix]]);
      lossSum(model).backward();
      const { whole: gradient } = watch.take().get("mix") ?? expect.fail("not collected");
      torch.noGrad(() => {
        const { bank, index } = adapters.find("mix");
        const of = (stack: torch.Tensor) => torch.select(stack, 0, index);
        const seen = torch.mulScalar(bank.gradientOfFactors(index, gradient), bank.shape.scale);
        expect(distance(torch.matmul(seen, of(bank.B)), of(bank.gradA))).toBeLessThan(1e-12);
        expect(distance(torch.matmul(torch.transpose(seen, 0, 1), of(bank.A)), of(bank.gradB))).toBeLessThan(
          1e-12,
        );
      });
    });
    adapters.dispose();
    model.dispose();
  },
);
