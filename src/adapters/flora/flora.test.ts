import { expect, test } from "vitest";
import { AdamW, SGD } from "../../optim/index.ts";
import { elementAt } from "../../util/elements.ts";
import { type GivenRun, OneLayer, readRun, stepThrough } from "../testing/reference-run.ts";
import { attachFlora } from "./attach-flora.ts";
import { floraSchema } from "./options.ts";

interface FloraRun extends GivenRun {
  readonly momentum: number;
  /** The effective weight after each step with AdamW in place of momentum. */
  readonly adamw: number[][][];
}

const run = readRun<FloraRun>("flora");
const attached = (model: OneLayer) => {
  const { rank, interval, seed } = run;
  const options = { method: "flora", rank, interval, targetModules: ["layer"] };
  return attachFlora(model, floraSchema.parse(options), { seed });
};

test("with momentum, every weight is that of the paper's algorithm on the weight itself", () => {
  using model = new OneLayer(run.weight);
  const adapters = attached(model);
  const optimizer = new SGD(adapters.trainables(), { momentum: run.momentum });
  stepThrough(run, adapters, optimizer, (step, effective) => {
    effective.forEach((x, i) => {
      expect(x, `step ${step}`).toBeCloseTo(elementAt(elementAt(run.effective, step - 1).flat(), i), 12);
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

test("with AdamW every weight is that of Adam on the projections, whose moments a new one shortens and evens out", () => {
  using model = new OneLayer(run.weight);
  const adapters = attached(model);
  const optimizer = new AdamW(adapters.trainables());
  stepThrough(run, adapters, optimizer, (step, effective) => {
    effective.forEach((x, i) => {
      expect(x, `step ${step}`).toBeCloseTo(elementAt(elementAt(run.adamw, step - 1).flat(), i), 12);
    });
  });
  optimizer.dispose();
  adapters.dispose();
});
