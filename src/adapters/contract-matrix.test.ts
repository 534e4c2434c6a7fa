import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import type { Linear } from "../nn/index.ts";
import { quantiseLinearLayers } from "../testing/quantise-model.ts";
import { refusal } from "../testing/refusal.ts";
import { SupportRecorder } from "../testing/support-recorder.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import { type TinyRun, temporaryFolder, tinyRun } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { listCheckpoints } from "../train/checkpoints/read-checkpoint.ts";
import type { TrainResult } from "../train/train-options.ts";
import { train } from "../train/trainer.ts";
import { mapTuple } from "../util/elements.ts";
import { type AdapterSet, attach, attachFolder } from "./index.ts";
import { listMethods } from "./registry.ts";
import {
  distance,
  type Expected,
  inputRows,
  lossOf,
  moveTrainables,
  OddModel,
  oddShapes,
  passThrough,
} from "./testing/contract-matrix.ts";
import { matrix, methodsAlone, nf4Names } from "./testing/matrix-rows.ts";

/** The model that a row of the matrix is about. */
function modelFor({ onNf4 }: Expected, dtype: torch.DType): OddModel {
  const model = new OddModel(dtype);
  return onNf4 ? quantiseLinearLayers(model) : model;
}

const entries = Object.entries(matrix);
const ranks = [1, 2];
const dtypes = ["float32", "bfloat16"] as const;
const cases = entries.flatMap(([name, expected]) =>
  dtypes.flatMap((dtype) => ranks.map((rank) => ({ name, expected, dtype, rank }))),
);
/** Relative rounding of a forward pass in each dtype. */
const rounding = { float32: 1e-6, bfloat16: 3e-2, float64: 1e-14 };

const support = new SupportRecorder("contract-matrix");
const methodOf = ({ options }: Expected) => options(1).method;
/** Told where it is not the method's own: what was shown over it is not shown without it. */
const baseOf = ({ options }: Expected) => {
  const chosen = options(1);
  return "base" in chosen && chosen.base === "factored" ? ["factored base"] : [];
};

const scratch = temporaryFolder();
afterAll(scratch.remove);
afterEach(() => vi.restoreAllMocks());

/** Runs a test on an adapted model, in a scope that must leave nothing behind. */
function adapted(
  { expected, rank }: { expected: Expected; rank: number },
  dtype: torch.DType,
  body: (model: OddModel, adapters: AdapterSet, plain: torch.Tensor) => void,
): void {
  const live = torch.liveTensorCount();
  const model = modelFor(expected, dtype);
  torch.scope(() => {
    const plain = forward(model);
    const adapters = attach(model, expected.options(rank), 3);
    if (expected.begins) passThrough(model, adapters, 1);
    body(model, adapters, plain);
    adapters.dispose();
  });
  model.dispose();
  expect(torch.liveTensorCount()).toBe(live);
}

const forward = (model: OddModel) => torch.noGrad(() => model.forward(inputRows(model.first.weight.dtype)));

test("the matrix has every method, and no other", () => {
  const names = new Set(entries.map(([, { options }]) => options(1).method));
  expect([...names].toSorted()).toEqual(
    listMethods()
      .map(({ name }) => name)
      .toSorted(),
  );
});

test.each(cases)("$name, $dtype, rank $rank: where it starts, and how much it trains", (one) => {
  adapted(one, one.dtype, (model, adapters, plain) => {
    const start = distance(forward(model), plain);
    if (one.expected.start === "exact") expect(start).toBe(0);
    else if (one.expected.start === "rounding") expect(start).toBeLessThan(rounding[one.dtype]);
    else expect(start).toBeGreaterThan(0.1);
    const biases = one.name === "full" ? 5 + 5 : 0;
    const trained = oddShapes.reduce((sum, [m, n]) => sum + one.expected.parameters(m, n, one.rank), biases);
    expect(adapters.parameterCounts().trainable).toBe(trained);
  });
});

test.each(cases)(
  "$name, $dtype, rank $rank: the merged weights compute what the adapted layers do",
  (one) => {
    adapted(one, one.dtype, (model, adapters, plain) => {
      moveTrainables(adapters);
      const now = forward(model);
      expect(distance(now, plain)).toBeGreaterThan(0.05);
      using merged = new OddModel("float64");
      torch.noGrad(() => {
        for (const [path, linear] of linears(merged)) {
          const { bias } = linearOf(model, path);
          torch.copy_(linear.plainWeight(), adapters.mergedWeight(path, "float64"));
          if (bias && linear.bias) torch.copy_(linear.bias, bias);
        }
      });
      expect(distance(now, forward(merged))).toBeLessThan(rounding[one.dtype]);
    });
    support.record(methodOf(one.expected), "computes as merged", one.dtype);
  },
);

test.each(cases)(
  "$name, $dtype, rank $rank: taken off in the middle of training, the model is what the matrix says",
  ({ expected, rank, dtype }) => {
    using model = modelFor(expected, dtype);
    torch.scope(() => {
      const plain = forward(model);
      const adapters = attach(model, expected.options(rank), 3);
      if (expected.begins) passThrough(model, adapters, 1);
      moveTrainables(adapters);
      passThrough(model, adapters, 4);
      moveTrainables(adapters);
      const trained = forward(model);
      const weights = weightsOf(model);
      adapters.dispose();
      const left = forward(model);
      if (expected.base === "frozen") expect(distance(left, plain)).toBe(0);
      else expect(distance(left, plain)).toBeGreaterThan(0);
      if (expected.base === "trained") expect(distance(left, trained)).toBe(0);
      else expect(distance(left, trained)).toBeGreaterThan(0);
      expect(weightsOf(model)).toEqual(weights);
      expect([...model.namedParameters()].some(([, { requiresGrad }]) => requiresGrad)).toBe(false);
    });
  },
);

test.each(cases)("$name, $dtype, rank $rank: a state loads into adapters of another start", (one) => {
  adapted(one, one.dtype, (model, adapters) => {
    moveTrainables(adapters);
    using other = modelFor(one.expected, one.dtype);
    const copy = attach(other, one.expected.options(one.rank), 4);
    const state = adapters.state();
    copy.loadState((name) => state.get(name) ?? expect.fail(name));
    copy.loadCounters(adapters.counters());
    expect(forward(other).toFloats()).toEqual(forward(model).toFloats());
    copy.dispose();
  });
});

test.each(cases)("$name, $dtype, rank $rank: the adapter alone is a folder, or refused", (one) => {
  adapted(one, one.dtype, (model, adapters) => {
    moveTrainables(adapters);
    const folder = join(scratch.path, `${one.name}-${one.dtype}-${one.rank}`);
    if (!one.expected.folder) {
      expect(() => adapters.saveAdapter(folder, "base")).toThrow(
        refusal("usage", { found: methodOf(one.expected), fix: "--as merged" }),
      );
      support.record(methodOf(one.expected), "adapter folder refused");
      return;
    }
    adapters.saveAdapter(folder, "base");
    using other = modelFor(one.expected, one.dtype);
    const copy = attachFolder(other, folder);
    expect(distance(forward(other), forward(model))).toBeLessThan(rounding[one.dtype]);
    copy.dispose();
    support.record(methodOf(one.expected), "adapter folder", ...baseOf(one.expected));
  });
});

const gradientCases = entries.flatMap(([name, expected]) => ranks.map((rank) => ({ name, expected, rank })));
test.each(gradientCases)("$name, rank $rank: gradients are finite differences, in float64", (one) => {
  adapted(one, "float64", (model, adapters) => {
    moveTrainables(adapters);
    const loss = () => lossOf(model);
    loss().backward();
    one.expected.hold?.(adapters);
    using generator = new torch.Generator(9, "cpu");
    for (const { name, value, grad } of adapters.trainables()) {
      const direction = torch.randn(value.shape, { generator, dtype: "float64", device: "cpu" });
      const along = torch.sum(torch.mul(grad, direction)).item();
      const at = (size: number) =>
        torch.noGrad(() => {
          torch.add_(value, direction, { alpha: size });
          const there = loss().item();
          torch.add_(value, direction, { alpha: -size });
          return there;
        });
      const [near, far] = mapTuple([1e-4, 2e-4], (size) => (at(size) - at(-size)) / (2 * size));
      const expected = near + (near - far) / 3;
      expect(Math.abs(along - expected) / Math.abs(expected), name).toBeLessThan(1e-7);
    }
  });
});

const bounded = entries.filter(([, { highestRank }]) => highestRank);
test.each(bounded)("%s: a rank beyond its bound is refused, with the bound", (_, expected) => {
  const { options, highestRank = () => expect.fail("no bound") } = expected;
  const bound = Math.min(...oddShapes.map(([m, n]) => highestRank(m, n)));
  using model = modelFor(expected, "float32");
  const live = torch.liveTensorCount();
  expect(() => attach(model, options(bound + 1))).toThrow(`at most ${bound},`);
  expect(torch.liveTensorCount()).toBe(live);
  attach(model, options(bound)).dispose();
});

const settings = { steps: 7, evalEvery: 7, saveEvery: 7, accumulate: 2 };

const refusedOnNf4 = Object.entries(methodsAlone).filter(
  ([name, { onNf4 }]) => !onNf4 && !nf4Names.includes(name),
);
test.each(refusedOnNf4)("%s: refused on a base in 4 bits, which stays as it is", (_, expected) => {
  using model = quantiseLinearLayers(new OddModel("float32"));
  const before = weightsOf(model);
  const live = torch.liveTensorCount();
  expect(() => attach(model, expected.options(1))).toThrow(
    new RegExp(`${methodOf(expected)} does not go with a quantised base: \\w[\\s\\S]*quantization: none`),
  );
  expect(torch.liveTensorCount()).toBe(live);
  expect(weightsOf(model)).toEqual(before);
  support.record(methodOf(expected), "NF4 refused");
});

interface TrainedParts {
  readonly dtype: torch.DType;
  readonly until?: number;
  readonly resume?: boolean;
}

/** Trains the tiny model to the end, or stops it on the way. @returns what the last checkpoint holds, but for times */
async function trained(folder: string, options: Expected, { dtype, until, resume = false }: TrainedParts) {
  const adapter = { ...options.options(2), ...(options.highestRank && { targetModules: ["mix"] }) };
  const plain = new TinyLM({ dtype });
  const lm = options.onNf4 ? quantiseLinearLayers(plain) : plain;
  const run: TinyRun = tinyRun(settings, { folder, resume, adapter, lm });
  const stop = new AbortController();
  const mix = linearOf(run.options.model, "mix");
  const before = mix.denseWeight().toFloats();
  const result = await train({
    ...run.options,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === "step" && event.step === until) stop.abort("test");
    },
  });
  const isFrozen = linearOf(run.options.model, "mix")
    .denseWeight()
    .toFloats()
    .every((x, i) => x === before[i]);
  run.dispose();
  const last = listCheckpoints(join(folder, "checkpoints")).at(-1) ?? expect.fail("no checkpoint");
  const { files } = JSON.parse(readFileSync(join(last.path, "manifest.json"), "utf8"));
  delete files["state.json"];
  return { files, step: last.step, isFrozen, ...heldOutLosses(result) };
}

/** The losses of a run's first and last evaluation. */
function heldOutLosses({ firstEval, lastEval }: TrainResult) {
  if (!firstEval || !lastEval) return expect.fail("no evaluation");
  return { first: firstEval.loss, last: lastEval.loss };
}

const trainingCases = entries.flatMap(([name, expected]) =>
  dtypes.map((dtype) => ({ name, expected, dtype })),
);
test.each(trainingCases)(
  "$name, $dtype: learns, leaves the base alone or not, and resumes bit for bit",
  async ({ name, expected, dtype }) => {
    const [whole, parts] = mapTuple(["whole", "parts"], (part) =>
      join(scratch.path, `${name}-${dtype}-${part}`),
    );
    const once = await trained(whole, expected, { dtype });
    expect(once.isFrozen).toBe(expected.base === "frozen");
    expect(once.last).toBeLessThan(once.first);
    await trained(parts, expected, { dtype, until: 4 });
    const again = await trained(parts, expected, { dtype, resume: true });
    expect(again).toMatchObject({ step: settings.steps, files: once.files });
    support.record(methodOf(expected), "resumes bit for bit", dtype);
    if (expected.onNf4) support.record(methodOf(expected), "trains on NF4", ...baseOf(expected));
  },
);

test("what was shown is what docs/support.md is made of", () => support.compare());

/** The weights that the layers compute with, adapters aside. */
const weightsOf = (model: OddModel) =>
  [...linears(model)].map(([, linear]) => torch.scope(() => linear.denseWeight().toFloats()));

function* linears(model: OddModel): Generator<[string, Linear]> {
  for (const path of ["first", "second", "third", "last"] as const) yield [path, model[path]];
}

function linearOf(model: object, path: string): Linear {
  return Reflect.get(model, path);
}
