import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import type { DType, Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { elementAt, required, takeFirst } from "../util/elements.ts";
import { AdamW, type OptimizedParameter, type Optimizer, SGD } from "./index.ts";

type Flat = Record<string, number[]>;
interface Golden {
  shapes: Record<string, number[]>;
  lrs: number[];
  start: Flat;
  gradients: Flat[];
  courses: Record<string, Flat[]>;
}

const golden: Golden = JSON.parse(readFileSync(new URL("optimizers.golden.json", import.meta.url), "utf8"));

/** Rounding of one step's arithmetic, against parameters of size about 1; leaving out decay or eps gives > 1e-5. */
const tolerance = { float32: 5e-7, float64: 1e-14 };

const adamw = (parameters: OptimizedParameter[]): Optimizer =>
  new AdamW(parameters, { betas: [0.9, 0.98], eps: 1e-6, weightDecay: 0.1 });
const makers: Record<string, (parameters: OptimizedParameter[]) => Optimizer> = {
  adamw,
  sgd: (parameters) => new SGD(parameters),
  sgdMomentum: (parameters) => new SGD(parameters, { momentum: 0.9, weightDecay: 0.1 }),
};

const made: { dispose(): void }[] = [];
afterEach(() => {
  for (const thing of made.splice(0)) thing.dispose();
  expect(torch.liveTensorCount()).toBe(0);
});

function tensorOf(values: readonly number[], shape: readonly number[], dtype: DType): Tensor {
  using wide = torch.fromData(Float64Array.from(values), shape, { device: "cpu" });
  const tensor = torch.toDType(wide, dtype, { copy: true });
  made.push(tensor);
  return tensor;
}

function parametersOf(dtype: DType, gradDType = dtype): OptimizedParameter[] {
  return Object.entries(golden.shapes).map(([name, shape]) => ({
    name,
    value: tensorOf(required(golden.start[name], name), shape, dtype),
    grad: tensorOf(required(golden.start[name], name), shape, gradDType),
    decay: name === "weight",
  }));
}

function setGradients(parameters: readonly OptimizedParameter[], step: number): void {
  torch.scope(() => {
    for (const { name, grad } of parameters) {
      const values = Float64Array.from(required(elementAt(golden.gradients, step)[name], name));
      torch.copy_(grad, torch.fromData(values, required(golden.shapes[name], name), { device: "cpu" }));
    }
  });
}

function worst(parameters: readonly OptimizedParameter[], expected: Flat): number {
  return Math.max(
    ...parameters.flatMap(({ name, value }) =>
      [...value.toFloats()].map((x, i) => Math.abs(x - elementAt(required(expected[name], name), i))),
    ),
  );
}

for (const [title, course] of Object.entries(golden.courses)) {
  const [kind = "", dtype] = title.split(" ");
  const make = required(makers[kind], kind);
  if (dtype !== "float32" && dtype !== "float64") throw new Error(title);

  test(`${kind} in ${dtype} equals torch's over ten steps, also through a saved state`, () => {
    const parameters = parametersOf(dtype);
    let optimizer = make(parameters);
    course.forEach((expected, step) => {
      setGradients(parameters, step);
      optimizer.step(elementAt(golden.lrs, step));
      expect(worst(parameters, expected)).toBeLessThan(tolerance[dtype]);
      if (step !== 4) return;
      const next = make(parameters);
      const saved = optimizer.state();
      next.loadState((name) => saved.get(name) ?? expect.fail(`no ${name}`));
      optimizer.dispose();
      optimizer = next;
    });
    made.push(optimizer);
  });
}

test("bfloat16 parameters move through float32 masters, and gradients may have another dtype", () => {
  const half = parametersOf("bfloat16");
  const single = parametersOf("float32", "bfloat16");
  const rounded = half.map(({ value }) => value.toFloats());
  torch.scope(() => {
    single.forEach(({ value }, i) => {
      torch.copy_(value, torch.fromData(elementAt(rounded, i), value.shape, { device: "cpu" }));
    });
  });
  const [a, b] = [adamw(half), adamw(single)];
  made.push(a, b);
  for (let step = 0; step < 10; step++) {
    for (const parameters of [half, single]) setGradients(parameters, step);
    for (const optimizer of [a, b]) optimizer.step(1e-3);
  }
  single.forEach(({ name, value }, i) => {
    using rounding = torch.toDType(value, "bfloat16");
    expect(half[i]?.value.data()).toEqual(rounding.data());
    expect(elementAt(half, i).value.toFloats()).not.toEqual(rounded[i]);
    expect(a.state().get(`master.${name}`)?.data()).toEqual(value.data());
  });
});

test("moments are the optimiser's own: changing them changes the next step", () => {
  const parameters = parametersOf("float32");
  const optimizer = adamw(parameters);
  made.push(optimizer);
  optimizer.step(0);
  const moments = optimizer.moments("weight");
  if (!moments) return expect.fail("no moments");
  torch.zero_(moments.expAvg);
  for (const { grad } of parameters) torch.zero_(grad);
  const before = elementAt(parameters, 0).value.toFloats();
  optimizer.step(1e-3);
  elementAt(parameters, 0)
    .value.toFloats()
    .forEach((x, i) => {
      expect(x).toBeCloseTo(elementAt(before, i) * (1 - 1e-4), 6);
    });
  expect(optimizer.moments("other")).toBeUndefined();
});

test("SGD's moments are its momentum, and none without one", () => {
  const parameters = parametersOf("float32");
  const [heavy, light] = [new SGD(parameters, { momentum: 0.9 }), new SGD(parameters)];
  made.push(heavy, light);
  expect(heavy.moments("weight")?.expAvg.shape).toEqual(
    parameters.find(({ name }) => name === "weight")?.value.shape,
  );
  expect(light.moments("weight")).toBeUndefined();
});

test("bad settings, parameters and states are refused by name", () => {
  expect(() => new AdamW([], { betas: [0.9, 1] })).toThrow(
    refusal("config", { message: "AdamW: betas", expected: "[0, 1)", found: /^1$/ }),
  );
  expect(() => new AdamW([], { eps: 0 })).toThrow(refusal("config", { message: "AdamW: eps", found: /^0$/ }));
  expect(() => new SGD([], { momentum: -0.1 })).toThrow(
    refusal("config", { message: "SGD: momentum", expected: "[0, 1)", found: "-0.1" }),
  );
  const [weight, bias] = takeFirst(parametersOf("float32"), 2);
  expect(() => new SGD([weight, weight])).toThrow(refusal("internal", { message: "weight" }));
  expect(() => new SGD([{ ...weight, grad: bias.grad }])).toThrow(
    refusal("tensor", { where: /^weight$/, expected: "[3, 4]", found: "[4]" }),
  );
  const whole = { ...weight, value: tensorOf([1, 2], [2], "int64"), grad: tensorOf([1, 2], [2], "int64") };
  expect(() => new SGD([whole])).toThrow(refusal("tensor", { where: /^weight$/, found: "int64" }));
  const optimizer = new AdamW([weight]);
  made.push(optimizer);
  expect(() => optimizer.loadState(() => bias.value)).toThrow(
    refusal("format", { where: "exp_avg.weight", expected: "[3, 4]", found: "[4]" }),
  );
});

test("parameters with rates of their own move as each would at its rate alone", () => {
  const factors: Record<string, number> = { weight: 16, bias: 0.5 };
  const withFactors = parametersOf("float64").map((one) => ({ ...one, lrFactor: factors[one.name] ?? 1 }));
  const alone = parametersOf("float64");
  const together = adamw(withFactors);
  const single = alone.map((one) => adamw([one]));
  made.push(together, ...single);
  golden.lrs.forEach((lr, step) => {
    for (const parameters of [withFactors, alone]) setGradients(parameters, step);
    together.step(lr);
    alone.forEach(({ name }, i) => {
      elementAt(single, i).step(lr * (factors[name] ?? 1));
    });
    withFactors.forEach(({ value }, i) => {
      expect(value.toFloats()).toEqual(elementAt(alone, i).value.toFloats());
    });
  });
});
