// What the fused kernels compute in float32 is what the composed forms, which float64 takes, define.
import { expect, test } from "vitest";
import { type DType, Generator, grad, mul, randn, scope, sum, type Tensor, toDType } from "../torch/index.ts";
import "../testing/close-to.ts";
import { tolerances } from "../testing/tolerances.ts";
import { actAndMul, activations } from "./activations.ts";
import { tokenStream } from "./causal-lm.ts";
import { makeParameterSource } from "./parameter-source.ts";
import { RMSNorm } from "./rms-norm.ts";
import { applyRotary, RotaryEmbedding } from "./rotary-embedding.ts";

/** The output of a function of random tensors and their gradients, as one list of numbers. */
function outputAndGradients(
  dtype: DType,
  shapes: readonly (readonly number[])[],
  compute: (inputs: readonly Tensor[]) => Tensor,
): number[] {
  return scope(() => {
    using generator = new Generator(3, "cpu");
    const draw = (shape: readonly number[]) =>
      toDType(randn([...shape], { generator, device: "cpu" }), dtype);
    const inputs = shapes.map((shape) => draw(shape).setRequiresGrad(true));
    const out = compute(inputs);
    const gradients = grad([sum(mul(out, draw(out.shape)))], [...inputs]);
    return [out, ...gradients].flatMap((x) => (x === undefined ? [] : [...x.toFloats()]));
  });
}

function expectSame(shapes: readonly (readonly number[])[], compute: (inputs: readonly Tensor[]) => Tensor) {
  const [found, exact] = (["float32", "float64"] as const).map((dtype) =>
    outputAndGradients(dtype, shapes, compute),
  );
  expect(found).toBeCloseToAll(exact ?? [], tolerances.adaptedLogits);
}

test.each([false, true])("RMSNorm, its weight an offset from 1: %s", (addUnitOffset) => {
  expectSame([[5, 3, 24], [24]], ([x, weight]) => {
    if (!x || !weight) throw new Error("two inputs");
    const norm = new RMSNorm(
      makeParameterSource(() => weight),
      24,
      { epsilon: 0.01, addUnitOffset },
    );
    return norm.forward(x);
  });
});

test("rotary positions", () => {
  using rotary = new RotaryEmbedding({ type: "default", theta: 100 }, { headDim: 12, maxPositions: 64 });
  expectSame([[7, 3, 12]], ([x]) => {
    if (!x) throw new Error("one input");
    return applyRotary(x, rotary.cosSin(tokenStream([1, 2, 3, 4, 5, 6, 7], [0, 3, 7], { device: "cpu" }), x));
  });
});

test.each([...activations])("a gate with %s", (_name, activation) => {
  expectSame(
    [
      [5, 37],
      [5, 37],
    ],
    ([gate, up]) => {
      if (!gate || !up) throw new Error("two inputs");
      return actAndMul(activation, gate, up);
    },
  );
});
