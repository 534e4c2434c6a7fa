import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { attachParsed } from "../adapters/attach.ts";
import type { AdapterConfig } from "../adapters/core/method.ts";
import { methodNamed } from "../adapters/registry.ts";
import { matrix } from "../adapters/testing/matrix-rows.ts";
import { collate } from "../data/collate.ts";
import type { Example } from "../data/types.ts";
import { createModel, loadClassifier, loadModel, modelFamilies } from "../models/index.ts";
import { backward, isClassifier, RecomputedPass, type TrainableModel } from "../nn/index.ts";
import { AdamW, makeSchedule } from "../optim/index.ts";
import { copyGolden, goldenCases } from "../testing/golden-models.ts";
import { quantiseLinearLayers } from "../testing/quantise-model.ts";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { tinyLlamaConfig } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { elementAt, required } from "../util/elements.ts";
import { objectiveOf } from "./objective.ts";
import { trainStep } from "./step.ts";

checkTensorLeaks();
const scratch = temporaryFolder();
afterAll(scratch.remove);
const encoders = fileURLToPath(new URL("../../test/golden/encoders", import.meta.url));

const rows: Example[] = [
  [3, 4, 5, 6, 9, 9, 2],
  [7, 8, 9],
  [10, 11, 4, 8, 5, 3, 3, 6, 2, 1],
  [4, 6, 5],
].map((ids, i) => ({
  ids: Int32Array.from(ids),
  isLabel: Uint8Array.from(ids, (_, at) => (at > 0 ? 1 : 0)),
  source: `rows:${i + 1}`,
}));

/** Two micro-batches, so that gradients are added to those of another pass. */
const microBatchesFor = (model: TrainableModel) => {
  const own = isClassifier(model) ? rows.map((row, i) => ({ ...row, label: i % 2 })) : rows;
  return [collate(own.slice(0, 3)), collate(own.slice(3))];
};

const parsed = (options: { readonly method: string; readonly rank?: number | undefined }): AdapterConfig =>
  required(methodNamed(options.method), options.method).schema.parse(options);

/** What three steps leave: losses and norms of gradients, everything trained, the state of the dropout generator. */
async function trained(model: TrainableModel, options: AdapterConfig, recompute: boolean, drops: boolean) {
  using owned = model;
  using adapters = attachParsed(owned, options, 1);
  using optimizer = new AdamW(adapters.trainables());
  using dropout = new torch.Generator(4, "cpu");
  const schedule = makeSchedule({ name: "constant", lr: 1e-2, steps: 3 });
  const own = { model, adapters, optimizer, schedule, clip: 1, recompute };
  const parts = drops ? { ...own, dropout } : own;
  const seen: unknown[] = [];
  for (const step of [1, 2, 3]) seen.push(await trainStep(parts, microBatchesFor(model), step));
  using after = dropout.state();
  const bytes = (tensor: torch.Tensor) => Buffer.from(new Uint8Array(tensor.data().buffer)).toString("hex");
  return {
    seen,
    dropout: bytes(after),
    state: [...adapters.state()].map(([name, tensor]) => [name, bytes(tensor)]),
  };
}

/** The two must be the same, bit for bit. */
async function expectSame(
  load: () => TrainableModel | Promise<TrainableModel>,
  options: AdapterConfig,
  drops = true,
) {
  const plain = await trained(await load(), options, false, drops);
  expect(await trained(await load(), options, true, drops)).toEqual(plain);
}

const families = modelFamilies().flatMap((family) =>
  ["bert", "roberta", "deberta-v2"].includes(family)
    ? []
    : goldenCases(family).map((name) => ({ family, name })),
);

test.each(families)(
  "$family/$name: losses and weights are those of a plain pass, bit for bit",
  async (one) => {
    const folder = copyGolden(scratch.path, one.family, one.name);
    const load = (dtype: "float32" | "bfloat16") => () => loadModel(folder, { dtype });
    await expectSame(load("float32"), parsed({ method: "full" }));
    if (one.name === "saved") await expectSame(load("bfloat16"), parsed({ method: "full" }));
  },
);

// Without bare encoders, and one with two positions.
const classifiers = readdirSync(encoders).filter((name) => !/^bare|padding$/.test(name));
test.each(classifiers)("%s, with dropout and without: the same, bit for bit", async (name) => {
  const load = (dtype: "float32" | "bfloat16") => () => loadClassifier(join(encoders, name), { dtype });
  await expectSame(load("float32"), parsed({ method: "full" }));
  await expectSame(load("float32"), parsed({ method: "full" }), false);
  if (!/pairs|unequal|v3/.test(name)) return;
  await expectSame(load("bfloat16"), parsed({ method: "full" }));
  await expectSame(load("float32"), parsed({ method: "lora", rank: 2 }));
});

function tinyLlama(config: Readonly<Record<string, unknown>> = {}) {
  using generator = new torch.Generator(1, "cpu");
  return createModel({ ...tinyLlamaConfig, ...config }, generator);
}

test.each(Object.entries(matrix))("%s: the same, bit for bit", async (_, { options, onNf4 }) => {
  const load = () => (onNf4 ? quantiseLinearLayers(tinyLlama()) : tinyLlama());
  await expectSame(load, parsed(options(2)));
});

test("with recomputation a step keeps the activations of one block instead of all", () => {
  using model = tinyLlama({ num_hidden_layers: 12 });
  using adapters = attachParsed(model, parsed({ method: "lora", rank: 2 }), 1);
  const batch = collate(Array.from({ length: 20 }, () => elementAt(rows, 2)));
  const peak = (recompute: boolean) =>
    torch.measureMemory(() => {
      using pass = recompute ? new RecomputedPass() : undefined;
      torch.scope(() => backward(objectiveOf(model).lossSum(batch, { recompute: pass }), pass));
    }).tensors;
  const plain = peak(false);
  expect(peak(true)).toBeLessThan(plain / 3);
  adapters.zeroGrad();
});
