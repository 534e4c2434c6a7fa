import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { collate } from "../../data/collate.ts";
import { Nf4Weight, nf4Codebook } from "../../nn/index.ts";
import { AdamW, makeSchedule } from "../../optim/index.ts";
import { quantiseLinearLayers } from "../../testing/quantise-model.ts";
import { type RefusalParts, refusal } from "../../testing/refusal.ts";
import { checkTensorLeaks } from "../../testing/tensor-leak-check.ts";
import { countingExamples } from "../../testing/tiny-data.ts";
import { TinyLM, type TinyLMOptions } from "../../testing/tiny-lm.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import * as torch from "../../torch/index.ts";
import { type StepReport, trainStep } from "../../train/step.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import { attach, attachFolder } from "../attach.ts";
import { attachScalora } from "./attach-scalora.ts";
import { type ScaloraOptions, scaloraSchema } from "./options.ts";
import { frobenius, setGradients } from "./testing/random-bank.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const made = checkTensorLeaks();

/** The options with those of all tests. */
const scalora = (options: Partial<ScaloraOptions>) =>
  scaloraSchema.parse({ method: "scalora", rank: 2, alpha: 4, targetModules: ["mix"], ...options });

/** What is done to a model before anything is attached to it. */
type Prepare = (lm: TinyLM) => void;

function attached(options: Partial<ScaloraOptions>, model: TinyLMOptions = {}, prepare?: Prepare) {
  const lm = new TinyLM(model);
  made.push(lm);
  prepare?.(lm);
  const adapters = attachScalora(lm, scalora(options), { seed: 1 });
  made.push(adapters);
  return { model: lm, adapters };
}

/** Twelve training steps with two micro-batches each; the sixth on have seen several events. */
async function trained(options: Partial<ScaloraOptions>, model?: TinyLMOptions, prepare?: Prepare) {
  const parts = attached(options, model, prepare);
  const optimizer = new AdamW(parts.adapters.trainables());
  made.push(optimizer);
  const schedule = makeSchedule({ name: "constant", lr: 0.02, steps: 12 });
  const rows = countingExamples(6);
  const window = [collate(rows.slice(0, 3)), collate(rows.slice(3))];
  const reports: StepReport[] = [];
  for (let step = 1; step <= 12; step++)
    reports.push(await trainStep({ ...parts, optimizer, schedule, clip: 1 }, window, step));
  return { ...parts, reports };
}

const losses = (reports: readonly StepReport[]) => reports.map(({ loss }) => loss);

test.each<[string, Partial<ScaloraOptions>, RegExp]>([
  ["default", {}, /^(column|nnls)$/],
  ["paper", { policy: "paper" }, /^(column|scalar|skip_boundary)$/],
  ["scalar", { policy: "scalar" }, /^(scalar|skip_boundary)$/],
  ["svd, moments reset", { policy: "svd", scale: { columnNorm: 0.5 } }, /^(oracle|skip_low_rank)$/],
  ["svd, moments transported", { policy: "svd", moments: "transport" }, /^(oracle|skip_low_rank)$/],
  ["moments kept", { moments: "keep" }, /^(column|nnls)$/],
  ["moments reset", { moments: "reset" }, /^(column|nnls)$/],
  ["adaptive", { interval: "adaptive" }, /^(column|nnls|skip_small)$/],
  ["by smoothness", { scale: { lipschitz: 40 } }, /^(column|nnls)$/],
  ["a horizon", { scale: { horizon: 20 } }, /^(column|nnls)$/],
])("training with %s: events from step 2 on, the loss falls", async (_, options, branch) => {
  const { adapters, reports } = await trained(options);
  expect(reports.map(({ event }) => event !== undefined)).toEqual([false, ...Array(11).fill(true)]);
  const branches = reports.slice(1).map(({ event }) => Object.keys(event?.["branches"] ?? {}));
  expect(branches.filter((names) => names.length === 0)).toEqual([]);
  for (const name of branches.flat()) expect(name).toMatch(branch);
  expect(elementAt(reports, 11).loss).toBeLessThan(elementAt(reports, 0).loss);
  expect(adapters.counters()).toMatchObject({ events: 11 });
});

test("with a horizon of H steps an event keeps exp(−I·lr/(peak·H)) of the norm that the factors have", () => {
  const [interval, horizon, peakLr, lr] = [4, 20, 0.02, 0.01];
  const { adapters } = attached({ interval, scale: { horizon } });
  const bank = elementAt(adapters.banks, 0);
  torch.scope(() => {
    const draw = (shape: readonly number[]) =>
      torch.randn(shape, { generator: new torch.Generator(3, "cpu"), device: "cpu" });
    torch.copy_(bank.A, draw(bank.A.shape));
    const { m, n } = bank.shape;
    setGradients(bank, draw([bank.layers.length, m, n]));
    const norm = () => Math.hypot(...[bank.A, bank.B].map((stack) => torch.linalgVectorNorm(stack).item()));
    const before = norm();
    const event = adapters.beforeClip({ step: 6, warmupSteps: 1, peakLr, lr, moments: () => undefined });
    expect(event?.["kind"]).toBe("scaling");
    expect(norm() / before).toBeCloseTo(Math.exp((-interval * lr) / (peakLr * horizon)), 6);
  });
});

test.each([
  [{ moments: "transport" }, "moments"],
  [{ interval: "adaptive", scale: { horizon: 20 } }, "scale"],
  [{ policy: "svd", base: "factored" }, "base"],
  [{ policy: "svd", magnitude: true }, "magnitude"],
] as const)("from code too, %j is refused before anything is attached", (options, key) => {
  using model = new TinyLM();
  expect(() => attach(model, { method: "scalora", targetModules: ["mix"], ...options })).toThrow(
    refusal("config", { message: `adapter.${key}` }),
  );
  expect(model.mix.adapter).toBeUndefined();
});

const noMoments = () => undefined;

test.each<[Partial<ScaloraOptions>, warmupSteps: number, events: number[]]>([
  [{}, 0, [2, 3, 4, 5, 6, 7, 8, 9]],
  [{}, 4, [5, 6, 7, 8, 9]],
  [{ interval: 3 }, 0, [2, 5, 8]],
  [{ interval: 3 }, 4, [5, 8]],
  [{ interval: 4, firstEvent: 3 }, 6, [3, 7]],
  [{ interval: "adaptive" }, 6, [7, 8, 9]],
])("%j after %d steps of warm-up: events at %j", (options, warmupSteps, events) => {
  const { adapters } = attached(options);
  const steps = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(steps.filter((step) => adapters.scaling?.hasEvent({ step, warmupSteps }))).toEqual(events);
});

test.each<[Partial<ScaloraOptions>, measured: number[]]>([
  [{}, [1, 11]],
  [{ interval: "adaptive" }, [1, 11]],
  [{ interval: 4 }, [1, 4, 7, 10]],
  [{ interval: 20 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
])("on a split base with %j the loss of events %j is measured again", (options, measured) => {
  const { adapters } = attached(options, { dtype: "bfloat16" });
  const { interval = 1 } = options;
  const stride = interval === "adaptive" ? 1 : interval;
  const found: number[] = [];
  for (let event = 1; event <= 12; event++) {
    const context = {
      step: 2 + (event - 1) * stride,
      warmupSteps: 0,
      peakLr: 0.02,
      lr: 0.02,
      moments: noMoments,
    };
    if (adapters.measuresEvent(context)) found.push(event);
    expect(adapters.measuresEvent({ ...context, step: 1 })).toBe(false);
    adapters.beforeClip(context);
  }
  expect(found).toEqual(measured);
});

test("the count of events goes through a checkpoint; other counters are a bug", async () => {
  const { adapters, reports } = await trained({});
  const counters = adapters.counters();
  const names = reports.flatMap(({ event }) => Object.keys(event?.["branches"] ?? {}));
  const branches = Object.fromEntries(
    [...new Set(names)].map((name) => [name, names.filter((other) => other === name).length]),
  );
  expect(counters).toEqual({ events: 11, branches, norms: { mix: expect.any(Number) } });
  const { adapters: other } = attached({});
  other.loadCounters(counters);
  expect(other.counters()).toEqual(counters);
  for (const wrong of [null, 5, { events: 1 }, { events: 1, branches: 5 }])
    expect(() => other.loadCounters(wrong)).toThrow(refusal("internal", { message: "ScaLoRA" }));
});

test("events tell how the norm grew since the last one, and a checkpoint carries what they measure from", () => {
  const { adapters } = attached({ interval: 3, scale: { columnNorm: 0.5 } });
  const { adapters: resumed } = attached({ interval: 3, scale: { columnNorm: 0.5 } });
  const { adapters: old } = attached({ interval: 3, scale: { columnNorm: 0.5 } });
  torch.scope(() => {
    const draw = (shape: readonly number[]) =>
      torch.randn(shape, { generator: new torch.Generator(3, "cpu"), device: "cpu" });
    const eventOf = (set: typeof adapters, step: number) => {
      const bank = elementAt(set.banks, 0);
      setGradients(bank, draw([bank.layers.length, bank.shape.m, bank.shape.n]));
      return set.beforeClip({ step, warmupSteps: 1, peakLr: 0.02, lr: 0.01, moments: noMoments });
    };
    const { A, B, shape } = elementAt(adapters.banks, 0);
    torch.copy_(A, draw(A.shape));
    expect(eventOf(adapters, 2)).not.toHaveProperty("normGrowth");
    const norm = () => Math.hypot(...[A, B].map((stack) => torch.linalgVectorNorm(stack).item()));
    const left = norm();
    torch.noGrad(() => torch.mulScalar_(A, 1.25));
    const now = norm();
    const state = adapters.state();
    const read = (name: string) => state.get(name) ?? expect.fail(name);
    for (const set of [resumed, old]) set.loadState(read);
    resumed.loadCounters(JSON.parse(JSON.stringify(adapters.counters())));
    old.loadCounters({ events: 1, branches: {} });

    const report = eventOf(adapters, 5);
    expect(report?.["normGrowth"]).toBeCloseTo(now / left - 1, 6);
    const walk = 3 * 0.01 ** 2 * (shape.m + shape.n) * shape.rank;
    expect(Number(report?.["growthOverNoise"]) / ((now ** 2 - left ** 2) / walk)).toBeCloseTo(1, 5);
    expect(eventOf(resumed, 5)).toEqual(report);
    expect(resumed.counters()).toEqual(adapters.counters());
    const { normGrowth, growthOverNoise, ...others } = report ?? {};
    expect(eventOf(old, 5)).toEqual(others);
    expect([normGrowth, growthOverNoise]).not.toContain(undefined);
    expect(eventOf(old, 8)).toHaveProperty("normGrowth");
  });
});

test.each<[Partial<ScaloraOptions>, Partial<ScaloraOptions>]>([
  [{ moments: "transfer" }, { moments: "keep" }],
  [{ moments: "keep" }, { moments: "reset" }],
  [
    { policy: "svd", moments: "transport" },
    { policy: "svd", moments: "reset" },
  ],
])("%j trains otherwise than %j", async (one, other) => {
  const scale = { columnNorm: 0.5 };
  const a = losses((await trained({ scale, ...one })).reports);
  const b = losses((await trained({ scale, ...other })).reports);
  expect(a.slice(0, 2)).toEqual(b.slice(0, 2));
  expect(a[11]).not.toBe(b[11]);
});

test("with magnitudes the effective weight starts as the base's, and follows a state that is loaded", async () => {
  const start = attached({ magnitude: true });
  torch.scope(() => {
    const weight = start.model.mix.denseWeight();
    expect(frobenius(start.adapters.mergedWeight("mix"), weight)).toBeLessThan(1e-6);
  });
  const { adapters } = await trained({ magnitude: true });
  const state = adapters.state();
  start.adapters.loadState((name) => state.get(name) ?? expect.fail(name));
  torch.scope(() => {
    const [own, loaded] = mapTuple([adapters, start.adapters], (set) => set.mergedWeight("mix"));
    expect(frobenius(loaded, own)).toBeLessThan(1e-6);
  });
});

test("with magnitudes over a factored base the export is a DoRA folder of the same weight", async () => {
  const { adapters } = await trained({ magnitude: true, base: "factored", baseRank: 4 });
  const folder = join(scratch.path, "magnitudes");
  adapters.saveAdapter(folder, "base");
  const config: unknown = JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8"));
  expect(config).toMatchObject({ use_dora: true, r: 6 });
  const lm = new TinyLM();
  made.push(lm);
  const copy = attachFolder(lm, folder);
  made.push(copy);
  torch.scope(() => {
    const [own, loaded] = mapTuple([adapters, copy], (set) => set.mergedWeight("mix"));
    expect(frobenius(loaded, own)).toBeLessThan(1e-5);
  });
});

test("policy svd previews the optimum", () => {
  const { adapters } = attached({ policy: "svd" });
  const context = { step: 2, warmupSteps: 0, peakLr: 0.02, lr: 0.02, moments: noMoments };
  torch.scope(() => {
    const bank = elementAt(adapters.banks, 0);
    const draw = (shape: readonly number[]) =>
      torch.randn(shape, { generator: new torch.Generator(3, "cpu"), device: "cpu" });
    torch.copy_(bank.A, draw(bank.A.shape));
    const { m, n } = bank.shape;
    setGradients(bank, draw([bank.layers.length, m, n]));
    const previews = adapters.scaling?.preview(context, () => undefined) ?? [];
    expect(previews.map(({ path, branch, factors }) => ({ path, branch, factors }))).toEqual([
      { path: "mix", branch: "oracle", factors: undefined },
    ]);
  });
});

test("adaptive events apply a layer's factors where one is beyond 1.2×, and leave it as it is elsewhere", async () => {
  const applied = (await trained({ interval: "adaptive" })).reports.slice(1).map(({ event }) => event);
  const branches = applied.map((event) => Object.keys(event?.["branches"] ?? {}).join());
  expect(branches).toContain("skip_small");
  expect(branches.some((branch) => branch !== "skip_small")).toBe(true);
  for (const [at, branch] of branches.entries()) {
    const [alpha, beta] = mapTuple([applied[at]?.["alpha"], applied[at]?.["beta"]], (value) =>
      JSON.stringify(value),
    );
    if (branch === "skip_small") expect([alpha, beta]).toEqual(["[1,1,1]", "[1,1,1]"]);
    else {
      const factors: number[] = [...JSON.parse(alpha), ...JSON.parse(beta)];
      expect(Math.max(...factors.map((factor) => Math.abs(Math.log(factor))))).toBeGreaterThan(Math.log(1.2));
    }
  }
});

test("the forward pass of a split base computes with the upper halves of what is stored", async () => {
  const { model, adapters, reports } = await trained({}, { dtype: "bfloat16" });
  expect(elementAt(reports, 11).loss).toBeLessThan(elementAt(reports, 0).loss);
  expect([...adapters.state().keys()].filter((name) => name.includes("base"))).toEqual([
    "bank0.8x8r2.base.high",
    "bank0.8x8r2.base.low",
  ]);
  expect(model.mix.weight.dtype).toBe("bfloat16");
});

test("on a split base the first event and every tenth step's tell the loss of their batch before and after", async () => {
  const { reports } = await trained({}, { dtype: "bfloat16" });
  const measured = reports.filter(({ event }) => event?.["lossAfter"] !== undefined);
  expect(measured).toEqual([reports[1], reports[11]]);
  for (const { event, loss } of measured) {
    expect(event?.["lossBefore"]).toBe(loss);
    // bfloat16 holds 8 bits: the rounded base moves the loss by less than its last bit, but it may move it.
    expect(Math.abs(Number(event?.["lossAfter"]) - loss)).toBeLessThan(2 ** -8 * loss);
  }
  expect(measured.some(({ event, loss }) => event?.["lossAfter"] !== loss)).toBe(true);
  expect(elementAt((await trained({})).reports, 1).event).not.toHaveProperty("lossAfter");
});

// A split base differs by what its forward pass rounds: below half a unit of bfloat16, 2e-3 of each weight.
test.each([
  ["float32", 1e-5],
  ["bfloat16", 2e-3],
] as const)(
  "over a factored base whose rank is enough training goes as over the default one (%s)",
  async (dtype, tolerance) => {
    const factored = await trained({ base: "factored" }, { dtype });
    expect(factored.model.mix.weight.dtype).toBe(dtype);
    expect(Number(elementAt(factored.reports, 11).event?.["cutMax"])).toBeLessThan(1e-12);
    const others = losses((await trained({}, { dtype })).reports);
    expect(others[11]).toBeLessThan(0.95 * elementAt(others, 0));
    losses(factored.reports).forEach((loss, step) => {
      expect(Math.abs(loss - elementAt(others, step)) / elementAt(others, step)).toBeLessThan(tolerance);
    });
  },
);

test("a factored base of low rank is exact until it overflows, then tells what it lost", async () => {
  const exact = losses((await trained({})).reports);
  const { adapters, reports } = await trained({ base: "factored", baseRank: 4 });
  // Events at steps 2 and 3 fill four columns; the one of step 4 shows in the loss of step 5.
  reports.slice(0, 4).forEach(({ loss }, step) => {
    expect(Math.abs(loss - elementAt(exact, step)) / elementAt(exact, step)).toBeLessThan(1e-5);
  });
  const cuts = reports.map(({ event }) => Number(event?.["cutMax"] ?? 0));
  expect(cuts.slice(0, 3)).toEqual([0, 0, 0]);
  for (const [step, cut] of cuts.slice(3).entries()) {
    expect(cut).toBeGreaterThan(0);
    expect(cut).toBeLessThan(0.5);
    expect(Number(elementAt(reports, step + 3).event?.["cutMean"])).toBe(cut);
  }
  expect(elementAt(reports, 11).loss).toBeLessThan(elementAt(reports, 0).loss);
  expect(reports.map(({ event }) => event?.["lossAfter"] !== undefined).indexOf(true)).toBe(11);
  const state = adapters.state();
  expect(state.get("bank0.8x8r2.base.P")?.shape).toEqual([1, 8, 4]);
  expect(state.get("bank0.8x8r2.base.columns")?.item()).toBe(4);
});

/** Puts the numbers that the codes stand for in its place. */
const quantiseAndBack: Prepare = ({ mix }) => {
  using before = mix.plainWeight();
  using codes = new Nf4Weight(before, nf4Codebook("cpu"));
  mix.weight = codes.dense().keep();
};

test("over quantised weights a factored base trains as an exact one over their numbers", async () => {
  const { model, adapters, reports } = await trained({ base: "factored" }, {}, quantiseLinearLayers);
  const exact = await trained({}, {}, quantiseAndBack);
  const others = losses(exact.reports);
  losses(reports).forEach((loss, step) => {
    expect(Math.abs(loss - elementAt(others, step)) / elementAt(others, step)).toBeLessThan(1e-5);
  });
  expect(model.mix.weight).toBeInstanceOf(Nf4Weight);
  torch.scope(() => {
    const [own, other] = mapTuple([adapters, exact.adapters], (set) => set.mergedWeight("mix", "float64"));
    // As in the tolerances: fp32 differences of the gradients, divided by their own roots in AdamW.
    expect(frobenius(own, other)).toBeLessThan(1e-4);
  });
});

test.each(["auto", "exact", "split"] as const)("over quantised weights base: %s is refused", (base) => {
  const lm = new TinyLM();
  made.push(lm);
  quantiseLinearLayers(lm);
  expect(() => attachScalora(lm, scalora({ base }), { seed: 1 })).toThrow(
    refusal("config", { where: "adapter.base", found: "nf4", fix: "base: factored" }),
  );
});

test("what a factored base learns is an adapter of LoRA: a folder of rank R + r is the same weight", async () => {
  const { adapters } = await trained({ base: "factored", baseRank: 4 });
  const folder = join(scratch.path, "factored");
  adapters.saveAdapter(folder, "base");
  const model = new TinyLM();
  made.push(model);
  const copy = attachFolder(model, folder);
  made.push(copy);
  expect(copy.parameterCounts().trainable).toBe((8 + 8) * (4 + 2));
  torch.scope(() => {
    const [own, loaded] = mapTuple([adapters, copy], (set) => set.mergedWeight("mix", "float64"));
    expect(frobenius(loaded, own)).toBeLessThan(1e-6);
  });
});

test("a weight that another module shares is refused, or becomes the layer's own", () => {
  const tied = { tied: true };
  const lm = new TinyLM(tied);
  made.push(lm);
  const options = scalora({ targetModules: ["lm_head"] });
  expect(() => attachScalora(lm, options, { seed: 1 })).toThrow(
    refusal("config", { where: "lm_head", found: "shared with embed_tokens", fix: "adapter.tied: untie" }),
  );
  const { model } = attached({ targetModules: ["lm_head"], tied: "untie" }, tied);
  expect(model.lm_head.weight).not.toBe(model.embed_tokens.weight);
  expect(model.lm_head.denseWeight().toFloats()).toEqual(model.embed_tokens.denseWeight().toFloats());
  torch.noGrad(() => torch.zero_(model.lm_head.denseWeight()));
  expect(Math.max(...model.embed_tokens.denseWeight().toFloats())).toBeGreaterThan(0);
});

test.each<[Partial<ScaloraOptions>, TinyLMOptions, RefusalParts]>([
  [
    { base: "exact" },
    { dtype: "bfloat16" },
    { where: "adapter.base", found: "bfloat16", fix: "base: split" },
  ],
  [{ base: "split" }, {}, { where: "adapter.base", found: "float32", fix: "base: exact" }],
  [{ policy: "svd" }, { dtype: "bfloat16" }, { where: "adapter.policy", fix: "model.dtype: float32" }],
  [{ base: "factored", baseRank: 1 }, {}, { where: "adapter.baseRank", expected: "rank, 2", found: "1" }],
])("%j on %j is refused", (options, model, parts) => {
  const lm = new TinyLM(model);
  made.push(lm);
  expect(() => attachScalora(lm, scalora(options), { seed: 1 })).toThrow(refusal("config", parts));
});
