import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type AdapterSet, attach } from "../adapters/index.ts";
import { collate, type Example } from "../data/index.ts";
import { loadClassifier } from "../models/index.ts";
import { makeSchedule, SGD } from "../optim/index.ts";
import "../testing/close-to.ts";
import { tokenStream } from "../nn/index.ts";
import { refusal } from "../testing/refusal.ts";
import { tolerances } from "../testing/tolerances.ts";
import { Generator, liveTensorCount, noGrad, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { evaluateLoss } from "./evaluate.ts";
import { objectiveOf } from "./objective.ts";
import { trainStep } from "./step.ts";

const golden = fileURLToPath(new URL("../../test/golden/encoders", import.meta.url));

const rows: Example[] = [
  [1, [3, 4, 5]],
  [0, [6, 7, 8, 9, 10]],
  [1, [11]],
].map(([label, ids], i) => ({
  ids: Int32Array.from([ids].flat()),
  isLabel: new Uint8Array([ids].flat().length),
  source: `rows:${i + 1}`,
  label: Number(label),
}));

/** One step of SGD over micro-batches; returns the loss, the trained head and the gradient norm. */
async function step(name: string, microBatches: Example[][], dropout?: Generator) {
  using model = await loadClassifier(join(golden, name));
  const before = liveTensorCount();
  const adapters = attach(model, { method: "lora", rank: 2 });
  const optimizer = new SGD(adapters.trainables(), { momentum: 0, weightDecay: 0 });
  const schedule = makeSchedule({ name: "constant", lr: 0.1, steps: 2, warmup: 0 });
  const parts = { model, adapters, optimizer, schedule, clip: 0, ...(dropout && { dropout }) };
  const report = await trainStep(parts, microBatches.map(collate), 1);
  const head = adapters
    .trainables()
    .find(({ name: of }) => of.endsWith("weight") && of.startsWith("classifier"));
  const weights = head?.value.toFloats() ?? expect.fail("no head");
  optimizer.dispose();
  adapters.dispose();
  expect(liveTensorCount()).toBe(before);
  return { ...report, weights };
}

test.each(["bert-pairs", "roberta-unequal", "deberta-v3"])(
  "%s: unequal micro-batches act as one batch: the loss is the mean over rows",
  async (name) => {
    const whole = await step(name, [rows]);
    const parts = await step(name, [rows.slice(0, 1), rows.slice(1)]);
    expect(whole).toMatchObject({ labelTokens: 3, tokens: 9 });
    expect([parts.loss, parts.gradNorm]).toBeCloseToAll([whole.loss, whole.gradNorm], tolerances.gradients);
    expect(parts.weights).toBeCloseToAll(whole.weights, tolerances.gradients);
  },
);

test("the loss is the mean cross entropy, or the mean squared error, of transformers' logits", async () => {
  using model = await loadClassifier(join(golden, "bert-pairs"));
  using scores = await loadClassifier(join(golden, "bert-regression"));
  const logits = (of: typeof model) =>
    rows.map(({ ids }) =>
      noGrad(() => scope(() => [...of.logits(tokenStream(ids, undefined, { device: "cpu" })).toFloats()])),
    );
  const entropy = (values: number[], label: number) =>
    Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0)) - elementAt(values, label);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const classes = logits(model);
  const found = await evaluateLoss(model, [collate(rows.slice(0, 2)), collate(rows.slice(2))]);
  expect(found?.loss).toBeCloseTo(
    mean(classes.map((row, i) => entropy(row, elementAt(rows, i).label ?? 0))),
    5,
  );
  const right = classes.filter(
    ([no = 0, yes = 0], i) => Number(yes > no) === elementAt(rows, i).label,
  ).length;
  expect(found).toMatchObject({ labelTokens: 3, accuracy: right / 3 });
  const regression = await evaluateLoss(scores, [collate(rows)]);
  expect(regression?.accuracy).toBeUndefined();
  const squares = logits(scores).map(([value = 0], i) => (value - (elementAt(rows, i).label ?? 0)) ** 2);
  expect(regression?.loss).toBeCloseTo(mean(squares), 5);
});

test("the score is the mean of the metrics that make it; the others are reported", async () => {
  using model = await loadClassifier(join(golden, "bert-regression"));
  const metrics = () => ({ f1: 0.75, accuracy: 0.5 });
  const evaluate = (scoredBy: string[]) => evaluateLoss(model, [collate(rows)], { metrics, scoredBy });
  expect(await evaluate(["accuracy"])).toMatchObject({
    metrics: { f1: 0.75, accuracy: 0.5 },
    score: 0.5,
    scoredBy: ["accuracy"],
  });
  await expect(evaluate(["pearson"])).rejects.toThrow(
    refusal("usage", { where: "scoredBy", expected: "f1, accuracy", found: "pearson" }),
  );
});

test("metrics are of all rows; one without a value counts as 0", async () => {
  using model = await loadClassifier(join(golden, "bert-regression"));
  const seen: number[][] = [];
  const metrics = (labels: ArrayLike<number>, predictions: ArrayLike<number>) => {
    seen.push([...Array.from(labels)], [...Array.from(predictions)]);
    return { pearson: Number.NaN, spearman: 0.5 };
  };
  const batches = [collate(rows.slice(0, 2)), collate(rows.slice(2))];
  const found = await evaluateLoss(model, batches, { metrics });
  expect(found).toMatchObject({ metrics: { pearson: 0, spearman: 0.5 }, score: 0.25 });
  const logits = rows.map(({ ids }) =>
    noGrad(() =>
      scope(() => elementAt(model.logits(tokenStream(ids, undefined, { device: "cpu" })).toFloats(), 0)),
    ),
  );
  expect(seen[0]).toEqual([1, 0, 1]);
  expect(elementAt(seen, 1)).toBeCloseToAll(logits, tolerances.gradients);
});

test("dropout acts in training only, and is the generator's", async () => {
  using first = new Generator(1, "cpu");
  using same = new Generator(1, "cpu");
  const [plain, dropped, again] = [
    await step("deberta-conv", [rows]),
    await step("deberta-conv", [rows], first),
    await step("deberta-conv", [rows], same),
  ];
  expect(dropped.loss).not.toBe(plain.loss);
  expect(again).toEqual(dropped);
});

test("what an event does to the loss is measured under the dropout of the step", async () => {
  using model = await loadClassifier(join(golden, "deberta-conv"));
  using dropout = new Generator(1, "cpu");
  const adapters = attach(model, { method: "lora", rank: 2 });
  const idle: AdapterSet = Object.assign(Object.create(adapters), {
    measuresEvent: () => true,
    beforeClip: () => ({ layers: 0 }),
  });
  const optimizer = new SGD(adapters.trainables(), { momentum: 0, weightDecay: 0 });
  const schedule = makeSchedule({ name: "constant", lr: 0.1, steps: 2, warmup: 0 });
  const microBatches = [collate(rows.slice(0, 1)), collate(rows.slice(1))];
  const { loss, event } = await trainStep(
    { model, adapters: idle, optimizer, schedule, clip: 0, dropout },
    microBatches,
    1,
  );
  expect(event?.["lossBefore"]).toBe(loss);
  expect(event?.["lossAfter"]).toBeCloseTo(loss, 6);
  optimizer.dispose();
  adapters.dispose();
});

test("a row that makes the loss infinite is named, and nothing changes", async () => {
  const broken = { ...elementAt(rows, 1), label: Number.POSITIVE_INFINITY };
  await expect(step("bert-regression", [[elementAt(rows, 0), broken, elementAt(rows, 2)]])).rejects.toThrow(
    refusal("run", { message: "loss of step 1", found: /^first in .*; rows: rows:2$/ }),
  );
});

test("rows without labels are no batch of a classifier", async () => {
  using model = await loadClassifier(join(golden, "bert-pairs"));
  const { labels: _, ...batch } = collate(rows);
  expect(() => objectiveOf(model).labelCount(batch)).toThrow(
    refusal("data", { where: "rows:1", fix: "format: classification" }),
  );
});
