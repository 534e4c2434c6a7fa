import { expect, test } from "vitest";
import type { AdapterSet, StepContext } from "../adapters/core/adapter-set.ts";
import { FullFineTuning } from "../adapters/full/full-fine-tuning.ts";
import { attach } from "../adapters/index.ts";
import { collate } from "../data/collate.ts";
import type { Batch } from "../data/index.ts";
import { sequenceSpans } from "../nn/causal-lm.ts";
import { causalLossSum } from "../nn/causal-loss.ts";
import { AdamW, makeSchedule, type Optimizer, SGD } from "../optim/index.ts";
import { refusal } from "../testing/refusal.ts";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { countingExamples } from "../testing/tiny-data.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import * as torch from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { type StepParts, trainStep } from "./step.ts";

const made = checkTensorLeaks();

const rows = countingExamples(6);
const schedule = makeSchedule({ name: "constant", lr: 0.1, steps: 100 });

function partsOf(
  make: (adapters: AdapterSet) => Optimizer = (adapters) => new SGD(adapters.trainables()),
  clip = 0,
): StepParts & { adapters: FullFineTuning; model: TinyLM } {
  const model = new TinyLM();
  const adapters = new FullFineTuning(model);
  const optimizer = make(adapters);
  made.push(model, adapters, optimizer);
  return { model, adapters, optimizer, schedule, clip };
}

const weightsOf = ({ adapters }: StepParts) =>
  new Map([...adapters.state()].map(([name, tensor]) => [name, tensor.toFloats()]));

function worstDifference(a: StepParts, b: StepParts): number {
  const other = weightsOf(b);
  return Math.max(
    ...[...weightsOf(a)].flatMap(([name, values]) =>
      [...values].map((x, i) => Math.abs(x - (other.get(name)?.[i] ?? Number.NaN))),
    ),
  );
}

test("micro-batches act as one batch: the loss is normalised by the label tokens of all", async () => {
  const [whole, parts] = [partsOf(), partsOf()];
  const one = await trainStep(whole, [collate(rows)], 1);
  const many = await trainStep(
    parts,
    [collate(rows.slice(0, 1)), collate(rows.slice(1, 3)), collate(rows.slice(3))],
    1,
  );
  expect(many.loss).toBeCloseTo(one.loss, 6);
  expect(many.labelTokens).toBe(one.labelTokens);
  expect(many.tokens).toBe(rows.reduce((sum, { ids }) => sum + ids.length, 0));
  // Sums of a few numbers of size 1 in another order; a mean of means is off by 1e-2.
  expect(worstDifference(whole, parts)).toBeLessThan(1e-6);
});

test("the reported loss is the mean cross entropy before the step", async () => {
  const parts = partsOf();
  const batch = collate(rows);
  const expected = torch.scope(() => causalLossSum(parts.model, batch).item()) / batch.labelTargets.length;
  expect((await trainStep(parts, [batch], 1)).loss).toBeCloseTo(expected, 6);
});

test("clipping limits the global norm of the step, and the report says what it was", async () => {
  const [free, clipped] = [partsOf(), partsOf(undefined, 0.25)];
  const before = weightsOf(free);
  const report = await trainStep(free, [collate(rows)], 1);
  const limited = await trainStep(clipped, [collate(rows)], 1);
  const moved = (parts: StepParts) =>
    Math.sqrt(
      [...weightsOf(parts)]
        .flatMap(([name, w]) => [...w].map((x, i) => (x - (before.get(name)?.[i] ?? Number.NaN)) ** 2))
        .reduce((a, b) => a + b),
    ) / 0.1;
  expect(report.clipped).toBe(false);
  expect(moved(free)).toBeCloseTo(report.gradNorm, 4);
  expect(limited.clipped).toBe(true);
  expect(limited.gradNorm).toBeCloseTo(report.gradNorm, 6);
  expect(moved(clipped)).toBeCloseTo(0.25, 4);
});

test("hooks see their step in order: before the clip with whole gradients, after the optimiser, before zeroing", async () => {
  const seen: string[] = [];
  const parts = partsOf((adapters) => new AdamW(adapters.trainables()), 1e-3);
  const { adapters, optimizer } = parts;
  const step = optimizer.step.bind(optimizer);
  optimizer.step = (lr) => {
    seen.push(`optimizer ${lr}`);
    step(lr);
  };
  const norm = () => Math.hypot(...adapters.trainables().flatMap(({ grad }) => [...grad.toFloats()]));
  const hooked: AdapterSet = Object.assign(Object.create(adapters), {
    beforeClip: (context: StepContext) => {
      seen.push(
        `before, norm ${norm() > 0.1 ? "whole" : "clipped"}, step ${context.step} of peak ${context.peakLr}`,
      );
      torch.scope(() =>
        torch.foreachMul_(
          adapters.trainables().map(({ grad }) => grad),
          2,
        ),
      );
      return { layers: 3, moments: context.moments("norm.weight") !== undefined };
    },
    zeroGrad: () => {
      seen.push(`zero, norm ${Math.abs(norm() - 1e-3) < 1e-6 ? "clipped" : "other"}`);
      adapters.zeroGrad();
    },
  });
  const plain = await trainStep(partsOf(), [collate(rows)], 1);
  const report = await trainStep({ ...parts, adapters: hooked }, [collate(rows)], 5);
  expect(seen).toEqual(["before, norm whole, step 5 of peak 0.1", "optimizer 0.1", "zero, norm clipped"]);
  expect(report.event).toEqual({ layers: 3, moments: true });
  expect(report.gradNorm).toBeCloseTo(2 * plain.gradNorm, 5);
});

test("a step leaves no tensor behind and gradients at zero", async () => {
  const parts = partsOf((adapters) => new AdamW(adapters.trainables()), 1);
  const before = torch.liveTensorCount();
  for (let step = 1; step <= 5; step++) {
    await trainStep(parts, [collate(rows.slice(0, 3)), collate(rows.slice(3))], step);
    expect(torch.liveTensorCount()).toBe(before);
  }
  for (const { grad } of parts.adapters.trainables())
    expect(Math.max(...grad.toFloats().map(Math.abs))).toBe(0);
});

test("the event loop turns between micro-batches that take long, and what it runs is not part of the step", async () => {
  const parts = partsOf();
  const live = torch.liveTensorCount();
  const seen: string[] = [];
  const forward = parts.model.hiddenStates.bind(parts.model);
  parts.model.hiddenStates = (stream) => {
    seen.push("forward");
    for (const end = performance.now() + 60; performance.now() < end; );
    return forward(stream);
  };
  let made: torch.Tensor | undefined;
  setImmediate(() => {
    seen.push("event loop");
    made = torch.zeros([2], { device: "cpu" });
  });
  const microBatches = rows.slice(0, 4).map((row) => collate([row]));
  const report = await trainStep(parts, microBatches, 1);
  expect(seen.indexOf("event loop")).toBeGreaterThan(0);
  expect(seen.indexOf("event loop")).toBeLessThan(seen.lastIndexOf("forward"));
  expect(made?.toFloats()).toEqual(new Float64Array(2));
  made?.dispose();
  expect(torch.liveTensorCount()).toBe(live);
  const alone = partsOf();
  expect(report).toEqual(await trainStep(alone, microBatches, 1));
  expect(weightsOf(parts)).toEqual(weightsOf(alone));
});

test("a weight that is not finite stops the step by its name, and nothing changes", async () => {
  const parts = partsOf();
  torch.scope(() => {
    torch.noGrad(() => torch.fill_(torch.select(parts.model.embed_tokens.denseWeight(), 0, 4), Number.NaN));
  });
  const before = weightsOf(parts);
  await expect(trainStep(parts, [collate(rows)], 7)).rejects.toThrow(
    refusal("run", {
      message: "loss of step 7 is not finite",
      found: "embed_tokens.weight",
      fix: "start a new run",
    }),
  );
  await expect(trainStep(parts, [collate(rows)], 1)).rejects.toThrow(
    refusal("run", { fix: "they come from the files of the model or the adapter" }),
  );
  expect(weightsOf(parts)).toEqual(before);
});

test("a factor of an adapter that is not finite is named", async () => {
  const model = new TinyLM();
  const adapters = attach(model, { method: "lora", rank: 2, targetModules: ["mix"] });
  const optimizer = new SGD(adapters.trainables());
  made.push(model, adapters, optimizer);
  torch.noGrad(() => torch.fill_(elementAt(adapters.trainables(), 0).value, Number.NaN));
  await expect(
    trainStep({ model, adapters, optimizer, schedule, clip: 0 }, [collate(rows)], 5),
  ).rejects.toThrow(
    refusal("run", { message: "loss of step 5", found: "non-finite values in mix (bank0.8x8r2.A)" }),
  );
});

test("a row whose loss is not finite is named", async () => {
  const parts = partsOf();
  const { model } = parts;
  const plain = model.hiddenStates.bind(model);
  const bad = elementAt(rows, 3);
  model.hiddenStates = (stream) => {
    const hidden = plain(stream);
    const start = sequenceSpans(stream.offsets).find(({ length }) => length === bad.ids.length)?.start;
    const mask = torch.indices(
      Array.from({ length: hidden.size(0) }, (_, i) => Number(i === start)),
      { device: "cpu" },
    );
    return torch.maskedFill(hidden, torch.unsqueeze(torch.eqScalar(mask, 1), 1), Number.POSITIVE_INFINITY);
  };
  const first = rows.findIndex(({ ids }) => ids.length === bad.ids.length);
  const microBatches = [collate(rows.slice(0, first)), collate(rows.slice(first, first + 1))].filter(Boolean);
  await expect(trainStep(parts, microBatches, 2)).rejects.toThrow(
    refusal("run", { found: `rows: ${elementAt(rows, first).source}` }),
  );
});

test("the first module whose output is not finite is named beside the rows", async () => {
  const parts = partsOf();
  const { model } = parts;
  const plain = model.norm.forward.bind(model.norm);
  model.norm.forward = (x) => torch.divScalar(plain(x), 0);
  await expect(trainStep(parts, [collate(rows.slice(0, 2))], 2)).rejects.toThrow(
    refusal("run", { found: "first in the output of norm; rows: count.jsonl:1, count.jsonl:2" }),
  );
  model.norm.forward = plain;
  const mix = model.mix.forward.bind(model.mix);
  const embed = model.embed_tokens.forward.bind(model.embed_tokens);
  model.mix.forward = (x) => mix(torch.divScalar(x, 0));
  await expect(trainStep(parts, [collate(rows.slice(0, 2))], 2)).rejects.toThrow(
    refusal("run", { found: "first in the output of mix;" }),
  );
  model.mix.forward = mix;
  model.hiddenStates = ({ tokens }) => model.norm.forward(torch.divScalar(embed(tokens), 0));
  await expect(trainStep(parts, [collate(rows.slice(0, 2))], 2)).rejects.toThrow(
    refusal("run", { found: "first in the input of norm;" }),
  );
});

test("a gradient that is not finite is named with the rows that cause it", async () => {
  const parts = partsOf();
  const { model } = parts;
  // √ of a clamped zero has an infinite slope but a finite value.
  const plain = model.norm.forward.bind(model.norm);
  model.norm.forward = (x) =>
    torch.add(plain(x), torch.sqrt(torch.mulScalar(torch.square(model.mix.bias ?? x), 0)));
  const before = weightsOf(parts);
  await expect(trainStep(parts, [collate(rows.slice(0, 2))], 3)).rejects.toThrow(
    refusal("run", {
      message: "Gradients of step 3",
      found: /mix\.bias[\s\S]*count\.jsonl:1, count\.jsonl:2/,
    }),
  );
  expect(weightsOf(parts)).toEqual(before);
});

test("gradients whose squares overflow float32 are finite: the step is clipped, not stopped", async () => {
  const parts = partsOf(undefined, 1);
  const { model } = parts;
  const plain = model.norm.forward.bind(model.norm);
  model.norm.forward = (x) => {
    const weight = torch.mulScalar(torch.sub(model.norm.weight, torch.detach(model.norm.weight)), 1e25);
    return torch.add(plain(x), weight);
  };
  const report = await trainStep(parts, [collate(rows)], 1);
  expect(report.gradNorm).toBeGreaterThan(1e20);
  expect(Number.isFinite(report.gradNorm)).toBe(true);
  expect(report.clipped).toBe(true);
});

test("a step without labels is refused", async () => {
  const parts = partsOf();
  const batch = collate(rows);
  await expect(trainStep(parts, [withoutLabels(batch), withoutLabels(batch)], 4)).rejects.toThrow(
    expect.objectContaining({
      code: "data",
      message: expect.stringContaining("step 4 has no label tokens"),
      where: [...batch.sources, ...batch.sources].join(", "),
      fix: expect.stringContaining("drop rows"),
    }),
  );
});

const withoutLabels = (batch: Batch): Batch => ({
  ...batch,
  labelPositions: new Int32Array(),
  labelTargets: new Int32Array(),
});

test("a micro-batch without labels is skipped when others have some", async () => {
  const [alone, beside] = [partsOf(), partsOf()];
  const forward = beside.model.hiddenStates.bind(beside.model);
  let passes = 0;
  beside.model.hiddenStates = (stream) => {
    passes += 1;
    return forward(stream);
  };
  const batch = collate(rows);
  const expected = await trainStep(alone, [batch], 1);
  const report = await trainStep(beside, [withoutLabels(batch), batch], 1);
  expect(passes).toBe(1);
  expect(report).toEqual({ ...expected, tokens: 2 * expected.tokens });
  expect(weightsOf(beside)).toEqual(weightsOf(alone));
});

test("what a method multiplies the learning rate by is in the step and in the report", async () => {
  const [plain, slowed] = [partsOf(), partsOf()];
  const before = weightsOf(plain);
  await trainStep(plain, [collate(rows)], 3);
  slowed.adapters.lrFactor = (step) => step / 6;
  expect((await trainStep(slowed, [collate(rows)], 3)).lr).toBeCloseTo(0.05, 12);
  const half = weightsOf(slowed);
  for (const [name, values] of weightsOf(plain))
    for (const [i, value] of values.entries()) {
      const start = before.get(name)?.[i] ?? Number.NaN;
      expect((half.get(name)?.[i] ?? Number.NaN) - start).toBeCloseTo((value - start) / 2, 6);
    }
});

test("a method whose parameters take no part in the loss is named", async () => {
  const parts = partsOf();
  for (const [, parameter] of parts.model.namedParameters()) parameter.setRequiresGrad(false);
  await expect(trainStep(parts, [collate(rows)], 1)).rejects.toThrow(
    refusal("run", {
      message: "Method full",
      expected: "require a gradient",
      found: "without a gradient",
      fix: "`leaf` of the bank",
    }),
  );
});

test.each(["lrFactor", "beforeForward", "measuresEvent", "beforeClip"] as const)(
  "a %s hook that throws is named with its method and step",
  async (hook) => {
    const parts = partsOf();
    Object.assign(parts.adapters, {
      [hook]: () => {
        throw new TypeError("boom");
      },
    });
    await expect(trainStep(parts, [collate(rows)], 6)).rejects.toThrow(
      refusal("run", {
        message: `Method full failed in ${hook} of step 6`,
        where: "adapter.method: full",
        found: "boom",
      }),
    );
  },
);
