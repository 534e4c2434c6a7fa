import { afterAll, expect, test } from "vitest";
import { fromData, liveTensorCount, mulScalar, scope, type Tensor } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { Linear, Module, makeParameterSource } from "./index.ts";

const before = liveTensorCount();
afterAll(() => expect(liveTensorCount()).toBe(before));

const parameters = makeParameterSource((_name, shape) =>
  fromData(
    new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => i),
    shape,
    { device: "cpu" },
  ),
);

class Part extends Module {
  readonly q_proj = Linear.fromSource(parameters.withPrefix("q_proj"), 3, 2, true);
  readonly width = 3;
}

class Whole extends Module {
  readonly layers = [new Part(), new Part()];
  readonly lm_head: Linear = new Linear(elementAt(this.layers, 0).q_proj.weight);
}

test("names are the paths of the properties; a shared parameter has one name", () => {
  using whole = new Whole();
  expect([...whole.namedParameters()].map(([name]) => name)).toEqual([
    "layers.0.q_proj.weight",
    "layers.0.q_proj.bias",
    "layers.1.q_proj.weight",
    "layers.1.q_proj.bias",
  ]);
  expect([...whole.namedModules()].map(([name]) => name)).toEqual([
    "",
    "layers.0",
    "layers.0.q_proj",
    "layers.1",
    "layers.1.q_proj",
    "lm_head",
  ]);
});

test("a parameter source is asked for full names", () => {
  const asked: string[] = [];
  const source = makeParameterSource((name, shape, kind) => {
    asked.push(`${name} ${shape.join("x")} ${kind}`);
    return fromData(Float32Array.of(0), [1], { device: "cpu" });
  });
  using made = Linear.fromSource(source.withPrefix("model").withPrefix("layers.0"), 4, 5, true);
  expect(made.adapter).toBeUndefined();
  expect(asked).toEqual(["model.layers.0.weight 5x4 weight", "model.layers.0.bias 5 bias"]);
});

test("an adapter takes the place of the product and is no parameter", () => {
  using part = new Part();
  const linear = part.q_proj;
  const x = fromData(Float32Array.of(1, 0, 2), [1, 3], { device: "cpu" });
  scope(() => expect([...linear.forward(x).toFloats()]).toEqual([4, 14]));
  linear.adapter = {
    forward: (input: Tensor, base: Linear) => {
      expect(base).toBe(linear);
      return mulScalar(input, 2);
    },
  };
  scope(() => expect([...linear.forward(x).toFloats()]).toEqual([2, 0, 4]));
  expect([...part.namedParameters()]).toHaveLength(2);
  x.dispose();
});
