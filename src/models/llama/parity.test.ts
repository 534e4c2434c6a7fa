import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tokenStream } from "../../nn/index.ts";
import "../../testing/close-to.ts";
import {
  expectCachedParity,
  expectedValue,
  expectParity,
  goldenCases,
  readGolden,
  runGolden,
} from "../../testing/golden-models.ts";
import { tolerances } from "../../testing/tolerances.ts";
import { liveTensorCount, noGrad, scope } from "../../torch/index.ts";
import { loadModel } from "../index.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-llama-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const readCase = (name: string) => readGolden(scratch, "llama", name);
const cases = goldenCases("llama");

test.each(cases)("%s: logits, loss and all gradients equal transformers'", async (name) => {
  const sample = readCase(name);
  using model = await loadModel(sample.folder);
  expectParity(model, sample);
});

test("the golden cases cover what their names say", () => {
  expect(cases).toEqual(
    expect.arrayContaining(["gqa", "untied", "biases", "gelu", "head-dim", "old-layout", "yarn-mscale"]),
  );
  for (const type of ["dynamic", "llama3", "yarn", "longrope"]) {
    expect(cases).toEqual(expect.arrayContaining([`${type}-within`, `${type}-beyond`]));
  }
});

test.each(["gqa", "biases", "dynamic-within", "longrope-within", "yarn-beyond"])(
  "%s: a cache fed in pieces gives the logits of the whole sequence",
  async (name) => {
    const sample = readCase(name);
    using model = await loadModel(sample.folder);
    expectCachedParity(model, sample, [3, 1, 1, 2]);
  },
);

test("a batch is the sum of its sequences, also where each has a rope table of its own", async () => {
  const { folder, tokens } = readCase("dynamic-beyond");
  using model = await loadModel(folder);
  const offsets = [0, 5, 45, 57];
  const logits = (ids: number[], starts?: number[]) =>
    noGrad(() =>
      scope(() => [
        ...model.lm_head.forward(model.hiddenStates(tokenStream(ids, starts, { device: "cpu" }))).toFloats(),
      ]),
    );
  const alone = offsets.slice(1).flatMap((end, i) => logits(tokens.slice(offsets[i], end)));
  expect(logits(tokens, offsets)).toBeCloseToAll(alone, tolerances.cachedLogits);
});

test.each(["gqa", "biases", "head-dim"])("%s: bfloat16 weights and compute stay near fp32", async (name) => {
  const sample = readCase(name);
  using model = await loadModel(sample.folder, { dtype: "bfloat16" });
  for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(true);
  expect(runGolden(model, sample).logits).toBeCloseToAll(
    expectedValue(sample, "logits"),
    tolerances.bfloat16Logits,
  );
  for (const [path, parameter] of model.namedParameters()) {
    using gradient = parameter.grad;
    expect(gradient?.dtype, path).toBe("bfloat16");
  }
});

test("forward and backward leave no tensor behind", async () => {
  const sample = readCase("biases");
  using model = await loadModel(sample.folder);
  for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(true);
  runGolden(model, sample);
  const before = liveTensorCount();
  runGolden(model, sample);
  expect(liveTensorCount()).toBe(before);
});

test("loading and disposing a model is balanced", async () => {
  const { folder } = readCase("untied");
  const before = liveTensorCount();
  const model = await loadModel(folder);
  const [rows] = noGrad(() =>
    scope(() => model.hiddenStates(tokenStream([1, 2, 3], undefined, { device: "cpu" })).shape),
  );
  expect(rows).toBe(3);
  expect(liveTensorCount()).toBeGreaterThan(before);
  model.dispose();
  expect(liveTensorCount()).toBe(before);
});
