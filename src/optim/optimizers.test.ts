import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { type RefusalParts, refusal } from "../testing/refusal.ts";
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

test("slices that count their own steps move as parameters of their own, also through a saved state", () => {
  const stack = parametersOf("float32").slice(0, 1);
  const { value, grad, name } = elementAt(stack, 0);
  const rows = [0, 1, 2].map((row) => ({
    name: `row ${row}`,
    decay: true,
    value: tensorOf(
      torch.scope(() => [...torch.select(value, 0, row).toFloats()]),
      [4],
      "float32",
    ),
    grad: tensorOf(
      torch.scope(() => [...torch.select(grad, 0, row).toFloats()]),
      [4],
      "float32",
    ),
  }));
  const restart = (tensors: readonly (Tensor | undefined)[]) => {
    for (const tensor of tensors) torch.zero_(tensor ?? expect.fail());
  };
  const [together, apart, resumed] = [adamw(stack), adamw(rows), adamw(stack)];
  made.push(together, apart, resumed);
  for (const optimizer of [together, apart]) optimizer.step(0.01);
  const [ofStack, ofRow] = [together.moments(name), apart.moments("row 1")];
  torch.scope(() => {
    const stacks = [ofStack?.expAvg, ofStack?.expAvgSq, ofStack?.stepsBySlice?.()];
    restart(stacks.map((tensor) => torch.select(tensor ?? expect.fail(), 0, 1)));
  });
  restart([ofRow?.expAvg, ofRow?.expAvgSq, ofRow?.steps]);
  for (const optimizer of [together, apart]) optimizer.step(0.01);
  const saved = together.state();
  expect(saved.get(`step.${name}`)?.toFloats()).toEqual(Float64Array.of(2, 1, 2));
  resumed.loadState((at) => saved.get(at) ?? expect.fail(`no ${at}`));
  for (const optimizer of [resumed, apart]) optimizer.step(0.01);
  const moved = rows.flatMap((row) => [...row.value.toFloats()]);
  expect([...value.toFloats()]).toEqual(moved);
  const wrong = tensorOf([1, 1], [2], "float32");
  expect(() =>
    resumed.loadState((at) => (at.startsWith("step.") ? wrong : (saved.get(at) ?? wrong))),
  ).toThrow(refusal("format", { where: `step.${name}` }));
});

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
    refusal("config", { message: "AdamW: betas", expected: "a number, at least 0, below 1", found: /^1$/ }),
  );
  expect(() => new AdamW([], { eps: 0 })).toThrow(refusal("config", { message: "AdamW: eps", found: /^0$/ }));
  expect(() => new SGD([], { momentum: -0.1 })).toThrow(
    refusal("config", { message: "SGD: momentum", expected: "a number, at least 0, below 1", found: "-0.1" }),
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

test.each<[string, () => unknown, RefusalParts]>([
  [
    "a negative beta",
    () => new AdamW([], { betas: [-0.1, 0.9] }),
    { message: "AdamW: betas", found: "-0.1" },
  ],
  ["an infinite eps", () => new AdamW([], { eps: Infinity }), { message: "AdamW: eps", expected: "above 0" }],
  [
    "a negative decay",
    () => new AdamW([], { weightDecay: -1 }),
    { message: "AdamW: weightDecay", expected: "a number, at least 0", found: "-1" },
  ],
  ["an infinite decay", () => new AdamW([], { weightDecay: Infinity }), { message: "AdamW: weightDecay" }],
  ["SGD: momentum 1", () => new SGD([], { momentum: 1 }), { message: "SGD: momentum", found: "1" }],
  [
    "SGD: a negative decay",
    () => new SGD([], { weightDecay: -1 }),
    { message: "SGD: weightDecay", expected: "a number, at least 0", found: "-1" },
  ],
  ["SGD: an infinite decay", () => new SGD([], { weightDecay: Infinity }), { message: "SGD: weightDecay" }],
])("%s is refused", (_, make, parts) => {
  expect(make).toThrow(refusal("config", parts));
});

test("0 is a beta, a decay and a momentum", () => {
  made.push(new AdamW([], { betas: [0, 0], weightDecay: 0 }), new SGD([], { momentum: 0, weightDecay: 0 }));
});

test("what is refused says what it needs; a state of another dtype does not fit", () => {
  const [weight] = takeFirst(parametersOf("float32"), 2);
  const integers = { ...weight, value: tensorOf([1], [1], "int64"), grad: tensorOf([1], [1], "int64") };
  expect(() => new SGD([integers])).toThrow(refusal("tensor", { message: "floating-point" }));
  expect(() => new SGD([{ ...weight, grad: integers.grad }])).toThrow(
    refusal("tensor", { message: "its parameter's shape" }),
  );
  const optimizer = new AdamW([weight]);
  made.push(optimizer);
  const wide = tensorOf(Array<number>(12).fill(0), [3, 4], "float64");
  expect(() => optimizer.loadState(() => wide)).toThrow(
    refusal("format", {
      message: "does not fit",
      where: "exp_avg.weight",
      expected: "float32 [3, 4]",
      found: "float64 [3, 4]",
    }),
  );
});

test("float16 parameters move through float32 masters too, and `using` frees the state", () => {
  const parameters = parametersOf("float16");
  const before = torch.liveTensorCount();
  {
    using optimizer = adamw(parameters);
    setGradients(parameters, 0);
    optimizer.step(1e-2);
    expect([...optimizer.state().keys()]).toContain("master.weight");
    expect(torch.liveTensorCount()).toBeGreaterThan(before);
  }
  expect(torch.liveTensorCount()).toBe(before);
});
