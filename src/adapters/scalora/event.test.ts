import { expect, test, vi } from "vitest";
import { AdamW } from "../../optim/index.ts";
import { refusal } from "../../testing/refusal.ts";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { NamedLinear } from "../core/bank.ts";
import { type BaseStore, ExactBase, SplitBase } from "../core/base-store.ts";
import { FrozenDeltaBase } from "../core/frozen-delta-base.ts";
import type { ColumnNormRule } from "./column-norm.ts";
import { type EventOptions, scalingEvent } from "./event.ts";
import * as policies from "./solve/policies.ts";
import { effectiveWeights, frobenius, randomBank, setGradients, testScale } from "./testing/random-bank.ts";

vi.mock("./solve/policies.ts", { spy: true });

const options: EventOptions = {
  policy: "default",
  moments: "transfer",
  scale: { columnNorm: 0.7 },
  peakLr: 0.01,
  elapsed: 10,
  threshold: 1,
};

/** Events with fresh factors each time, in the same effective weight. @returns how far they moved it, relative */
function drift(
  dtype: "float32" | "float64",
  events: number,
  store: (layers: readonly NamedLinear[]) => BaseStore,
): number {
  const { bank, redraw, dispose } = randomBank({ dtype, layers: 2, m: 8, n: 6, rank: 2 });
  const base = store(bank.layers);
  const effective = () => effectiveWeights(bank, (i) => base.weight(i));
  const start = effective().keep();
  for (let event = 0; event < events; event++) {
    torch.scope(() => {
      const outcomes = scalingEvent(bank, base, undefined, { ...options, scale: { columnNorm: 0.25 } });
      if (event === 0) expect(elementAt(outcomes, 0).alpha[0]).not.toBe(1);
      // fresh factors in the same effective weight: the base takes in the old product and gives up the new one
      const old = { A: torch.mulScalar(bank.A, testScale), B: torch.clone(bank.B) };
      redraw(0.1);
      const left = torch.cat([old.A, torch.mulScalar(bank.A, -testScale)], { dim: 2 });
      base.merge(left, torch.cat([old.B, bank.B], { dim: 2 }));
    });
  }
  const moved = torch.scope(() => frobenius(effective(), start));
  start.dispose();
  base.dispose();
  dispose();
  return moved;
}

// Every merge rounds each weight once more: 20,000 roundings of at most half an ulp (6e-8), a random walk, make 4e-6 in float32.
test.each([
  ["float32", 5e-6],
  ["float64", 1e-12],
] as const)(
  "10,000 events with fresh factors leave the effective weight where it was (%s)",
  (dtype, tolerance) => {
    expect(drift(dtype, 10_000, (layers) => new ExactBase(layers))).toBeLessThan(tolerance);
  },
);

// Every merge is a recompression here, which rounds the whole change anew.
test.each([
  ["float32", 5e-6],
  ["float64", 1e-12],
] as const)("so do 1,000 events over a factored base whose rank is enough (%s)", (dtype, tolerance) => {
  expect(drift(dtype, 1_000, (layers) => new FrozenDeltaBase(layers, 6))).toBeLessThan(tolerance);
});

/** A float32 store that merges layer by layer as the split store does: one product of all layers may sum in another order. */
function mergedOneByOne(layers: readonly NamedLinear[]): BaseStore {
  const merge: BaseStore["merge"] = (left, right) => {
    layers.forEach(({ linear }, i) => {
      const transposed = torch.transpose(torch.select(right, 0, i), 0, 1);
      torch.addmm_(linear.plainWeight(), torch.select(left, 0, i), transposed);
    });
    return undefined;
  };
  return Object.assign(new ExactBase(layers), { merge });
}

test("the split store holds what float32 weights hold, bit for bit", () => {
  const exact = randomBank({ dtype: "float32", seed: 3 });
  const split = randomBank({ dtype: "bfloat16", seed: 3 });
  torch.scope(() => {
    // the same start: bfloat16 weights, which float32 holds exactly
    exact.bank.layers.forEach(({ linear }, i) => {
      torch.copy_(linear.plainWeight(), elementAt(split.bank.layers, i).linear.plainWeight());
    });
    const exactBase = mergedOneByOne(exact.bank.layers);
    const splitBase = new SplitBase(split.bank.layers);
    for (let event = 0; event < 500; event++) {
      scalingEvent(exact.bank, exactBase, undefined, options);
      scalingEvent(split.bank, splitBase, undefined, options);
      for (const { redraw } of [exact, split]) redraw(0.1);
    }
    for (const index of [0, 1, 2]) {
      expect(torch.equal(splitBase.weight(index), exactBase.weight(index))).toBe(true);
      const rounded = torch.toDType(exactBase.weight(index), "bfloat16");
      expect(frobenius(elementAt(split.bank.layers, index).linear.plainWeight(), rounded)).toBeLessThan(
        2 ** -8,
      );
    }
    exactBase.dispose();
    splitBase.dispose();
  });
  exact.dispose();
  split.dispose();
});

/** AdamW's averages after seeing `gradients`, from zero. */
function averages(gradients: readonly torch.Tensor[]) {
  return torch.noGrad(() => {
    const [expAvg, expAvgSq] = [
      torch.zerosLike(elementAt(gradients, 0)),
      torch.zerosLike(elementAt(gradients, 0)),
    ];
    for (const gradient of gradients) {
      torch.add_(torch.mulScalar_(expAvg, 0.9), gradient, { alpha: 0.1 });
      torch.add_(torch.mulScalar_(expAvgSq, 0.999), torch.square(gradient), { alpha: 0.001 });
    }
    return { expAvg, expAvgSq };
  });
}

/** AdamW's step of a factor after `t` gradients, without weight decay. */
function adamStep({ expAvg, expAvgSq }: ReturnType<typeof averages>, t: number): torch.Tensor {
  const root = torch.sqrt(torch.divScalar(expAvgSq, 1 - 0.999 ** t));
  return torch.div(torch.divScalar(expAvg, 1 - 0.9 ** t), root);
}

test("transferred moments are those of an adapter that had been (Ã, B̃) all along", () => {
  const { bank, G, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const history = [1, 2, 3, 4].map((seed) => {
      using generator = new torch.Generator(seed, "cpu");
      return torch.randn(G.shape, { generator, dtype: "float64", device: "cpu" });
    });
    /** The gradients that the bank's present factors get from the full gradients so far. */
    const seen = (side: "gradA" | "gradB") =>
      history.map((gradient) => {
        torch.noGrad(() => setGradients(bank, gradient));
        return torch.clone(bank[side]);
      });
    const moments = { A: averages(seen("gradA")), B: averages(seen("gradB")) };
    const [outcome] = scalingEvent(bank, base, moments, options);
    expect(outcome?.branch).toMatch(/column|nnls/);
    // what they would have been, had the factors been the scaled ones from the start
    const expected = { A: averages(seen("gradA")), B: averages(seen("gradB")) };
    for (const side of ["A", "B"] as const) {
      for (const average of ["expAvg", "expAvgSq"] as const)
        expect(frobenius(moments[side][average], expected[side][average])).toBeLessThan(1e-12);
      expect(frobenius(adamStep(moments[side], 4), adamStep(expected[side], 4))).toBeLessThan(1e-12);
    }
    base.dispose();
  });
  dispose();
});

test("the other moment rules keep the moments, or start them anew", () => {
  const { bank, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const moments = {
      A: { ...averages([bank.gradA]), steps: torch.ones([], { device: "cpu" }) },
      B: averages([bank.gradB]),
    };
    const before = torch.clone(moments.A.expAvg);
    scalingEvent(bank, base, moments, { ...options, moments: "keep" });
    expect(torch.equal(moments.A.expAvg, before)).toBe(true);
    scalingEvent(bank, base, moments, { ...options, moments: "reset" });
    for (const tensor of [moments.A.expAvg, moments.A.expAvgSq, moments.A.steps, moments.B.expAvgSq])
      expect(torch.max(torch.abs(tensor)).item()).toBe(0);
    base.dispose();
  });
  dispose();
});

test("gradients that are not those of the adapter stop the event before anything is merged", () => {
  const { bank, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const before = [torch.clone(bank.A), base.weight(1)];
    torch.noGrad(() => torch.mulScalar_(torch.select(bank.gradA, 0, 1), 1.001));
    expect(() => scalingEvent(bank, base, undefined, options)).toThrow(
      refusal("run", {
        message: "not those of its adapter",
        where: /^layers\.1$/,
        expected: "at most",
        fix: "a bug",
      }),
    );
    expect(torch.equal(bank.A, elementAt(before, 0))).toBe(true);
    expect(torch.equal(base.weight(1), elementAt(before, 1))).toBe(true);
    base.dispose();
  });
  dispose();
});

test.each<[string, ColumnNormRule, number]>([
  ["preserve keeps the norm of each layer's factors and moves it between columns", "preserve", 1],
  ["horizon lets the norm of each layer's factors decay over its steps", { horizon: 40 }, Math.exp(-10 / 40)],
])("%s", (_, scale, share) => {
  const { bank, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const norm = (index: number) =>
      Math.hypot(
        ...[bank.A, bank.B].map((stack) => torch.linalgVectorNorm(torch.select(stack, 0, index)).item()),
      );
    const before = [0, 1, 2].map(norm);
    const outcomes = scalingEvent(bank, base, undefined, { ...options, scale });
    [0, 1, 2].forEach((index) => {
      expect(norm(index) / elementAt(before, index)).toBeCloseTo(share, 12);
      expect(elementAt(outcomes, index)?.alpha.some((factor) => Math.abs(factor / share - 1) > 0.01)).toBe(
        true,
      );
    });
    base.dispose();
  });
  dispose();
});

test("an adaptive event leaves factors near one alone", () => {
  const { bank, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const { alpha, branch } = elementAt(
      scalingEvent(bank, base, undefined, { ...options, threshold: 1e6 }),
      0,
    );
    expect(branch).toBe("skip_small");
    expect([...alpha]).toEqual([1, 1, 1]);
    base.dispose();
  });
  dispose();
});

test("an event that leaves every layer alone leaves weights and moments alone, whatever the rule of moments", () => {
  const { bank, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const merge = vi.spyOn(base, "merge");
    const moments = { A: averages([bank.gradA]), B: averages([bank.gradB]) };
    const before = torch.clone(moments.A.expAvg);
    scalingEvent(bank, base, moments, { ...options, moments: "reset", threshold: 1e6 });
    expect(torch.equal(moments.A.expAvg, before)).toBe(true);
    expect(merge).not.toHaveBeenCalled();
    base.dispose();
  });
  dispose();
});

test("layers that change are merged although others are left alone", () => {
  const { bank, G, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const before = effectiveWeights(bank, (i) => base.weight(i));
    torch.noGrad(() => {
      torch.zero_(torch.select(G, 0, 0));
      setGradients(bank, G);
    });
    const A = torch.clone(bank.A);
    const outcomes = scalingEvent(bank, base, undefined, options);
    expect(outcomes.map(({ branch }) => branch === "skip_zero_grad")).toEqual([true, false, false]);
    expect(torch.equal(torch.select(bank.A, 0, 0), torch.select(A, 0, 0))).toBe(true);
    expect(frobenius(torch.select(bank.A, 0, 1), torch.select(A, 0, 1))).toBeGreaterThan(0.01);
    const after = effectiveWeights(bank, (i) => base.weight(i));
    expect(frobenius(after, before)).toBeLessThan(1e-13);
    base.dispose();
  });
  dispose();
});

test("with weight decay an event keeps the effective weight, and what it merges does not decay", () => {
  const { bank, G, dispose } = randomBank();
  const optimizer = new AdamW(bank.trainables(), { weightDecay: 0.5 });
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const merged = () => torch.stack(bank.layers.map((_, i) => base.weight(i)));
    const momentsOf = (side: string) => optimizer.moments(`test.${side}`) ?? expect.fail();
    optimizer.step(0.01);
    torch.noGrad(() => setGradients(bank, G));
    const [start, effective] = [torch.clone(merged()), effectiveWeights(bank, (i) => base.weight(i))];
    scalingEvent(bank, base, { A: momentsOf("A"), B: momentsOf("B") }, options);
    const after = torch.clone(merged());
    expect(frobenius(after, start)).toBeGreaterThan(0.01);
    expect(
      frobenius(
        effectiveWeights(bank, (i) => base.weight(i)),
        effective,
      ),
    ).toBeLessThan(1e-12);
    const factors = [bank.A, bank.B].map((factor) => torch.clone(factor));
    torch.noGrad(() => {
      torch.zero_(G);
      setGradients(bank, G);
      for (const { expAvg } of [momentsOf("A"), momentsOf("B")]) torch.zero_(expAvg);
    });
    optimizer.step(0.1);
    expect(torch.equal(merged(), after)).toBe(true);
    for (const [i, factor] of [bank.A, bank.B].entries())
      expect(frobenius(factor, torch.mulScalar(elementAt(factors, i), 0.95))).toBeLessThan(1e-12);
    base.dispose();
  });
  optimizer.dispose();
  dispose();
});

test("a reset starts the moments of changed layers anew and leaves those of the others", () => {
  const { bank, G, dispose } = randomBank();
  const optimizers = [0, 1].map(() => new AdamW(bank.trainables()));
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const [reset, fresh] = [elementAt(optimizers, 0), elementAt(optimizers, 1)];
    const momentsOf = (optimizer: AdamW, side: string) => optimizer.moments(`test.${side}`) ?? expect.fail();
    reset.step(0.01);
    reset.step(0.01);
    torch.noGrad(() => {
      torch.zero_(torch.select(G, 0, 0));
      setGradients(bank, G);
    });
    const sides = { A: momentsOf(reset, "A"), B: momentsOf(reset, "B") };
    const kept = torch.clone(torch.select(sides.A.expAvgSq ?? expect.fail(), 0, 0));
    scalingEvent(bank, base, sides, { ...options, moments: "reset" });
    expect(torch.equal(torch.select(sides.A.expAvgSq ?? expect.fail(), 0, 0), kept)).toBe(true);
    for (const { expAvg, expAvgSq, steps } of [sides.A, sides.B]) {
      for (const average of [expAvg, expAvgSq ?? expect.fail()])
        expect(torch.max(torch.abs(torch.slice(average, { start: 1 }))).item()).toBe(0);
      expect(steps?.toFloats()).toEqual(Float64Array.of(2, 0, 0));
    }
    const before = torch.clone(bank.A);
    const steps = [reset, fresh].map((optimizer) => {
      torch.noGrad(() => torch.copy_(bank.A, before));
      optimizer.step(0.01);
      return torch.sub(bank.A, before);
    });
    const [ofReset, ofFresh] = steps.map((step) => torch.slice(step, { start: 1 }));
    expect(frobenius(ofReset ?? expect.fail(), ofFresh ?? expect.fail())).toBeLessThan(1e-14);
    expect(torch.max(torch.abs(torch.select(elementAt(steps, 0), 0, 0))).item()).toBeGreaterThan(1e-4);
    base.dispose();
  });
  for (const optimizer of optimizers) optimizer.dispose();
  dispose();
});

test("factors of one side alone are applied, and of one column alone", () => {
  const { bank, dispose } = randomBank({ layers: 1 });
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const before = effectiveWeights(bank, (i) => base.weight(i));
    const one = Float64Array.of(1, 1, 1);
    const solver = vi.spyOn(policies, "solveFactors");
    for (const [alpha, beta] of [
      [Float64Array.of(1, 2, 1), one],
      [one, Float64Array.of(1, 1, 3)],
    ] as const) {
      const old = { A: torch.clone(bank.A), B: torch.clone(bank.B) };
      solver.mockReturnValueOnce({ branch: "column", alpha, beta });
      scalingEvent(bank, base, undefined, options);
      const scaled = (stack: torch.Tensor, by: Float64Array) =>
        torch.mul(stack, torch.fromData(by, [1, 1, 3], { device: "cpu" }));
      expect(frobenius(bank.A, scaled(old.A, alpha))).toBeLessThan(1e-14);
      expect(frobenius(bank.B, scaled(old.B, beta))).toBeLessThan(1e-14);
      const after = effectiveWeights(bank, (i) => base.weight(i));
      expect(frobenius(after, before)).toBeLessThan(1e-13);
    }
    base.dispose();
  });
  dispose();
});

test("moments without squares, as SGD keeps them, are transferred", () => {
  const { bank, dispose } = randomBank();
  torch.scope(() => {
    const base = new ExactBase(bank.layers);
    const moments = { A: { expAvg: torch.clone(bank.gradA) }, B: { expAvg: torch.clone(bank.gradB) } };
    scalingEvent(bank, base, moments, options);
    // A momentum that was the gradient is the scaled gradient then.
    expect(torch.equal(moments.A.expAvg, bank.gradA)).toBe(true);
    expect(torch.equal(moments.B.expAvg, bank.gradB)).toBe(true);
    base.dispose();
  });
  dispose();
});
