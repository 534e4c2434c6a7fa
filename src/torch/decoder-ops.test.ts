import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { elementAt } from "../util/elements.ts";
import * as torch from "./index.ts";

type Operands = readonly torch.Tensor[];
type Compute = (operands: Operands) => torch.Tensor;
type Kernel = "float32" | "bfloat16";

/** Shapes of the operands, the fused kernel, its definition, and how many of the operands have gradients. */
interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly fused: Compute;
  readonly definition: Compute;
  readonly trained: number;
}

const operand = (operands: Operands, i: number) => elementAt(operands, i);

/** RMSNorm, its weight counted from 0 or from 1. */
function norm(shape: readonly number[], fromOne: boolean): Case {
  const width = elementAt(shape, shape.length - 1);
  return {
    shapes: [shape, [width]],
    fused: (operands) => torch.fusedRmsNorm(operand(operands, 0), operand(operands, 1), 0.01, { fromOne }),
    definition: (operands) => {
      const [x, weight] = [operand(operands, 0), operand(operands, 1)];
      const wide = (t: torch.Tensor) => (t.dtype === "bfloat16" ? torch.toDType(t, "float32") : t);
      const mean = torch.mean(torch.square(wide(x)), { dim: [-1], keepdim: true });
      const normalised = torch.mul(wide(x), torch.rsqrt(torch.addScalar(mean, 0.01)));
      if (fromOne) return torch.toDType(torch.mul(normalised, torch.addScalar(wide(weight), 1)), x.dtype);
      return torch.mul(torch.toDType(normalised, x.dtype), weight);
    },
    trained: 2,
  };
}

/** Each token's cosines and sines are any numbers: each has an effect of its own. */
function rotation(width: number): Case {
  const table = (operands: Operands, i: number) => torch.toDType(operand(operands, i), "float32");
  return {
    shapes: [
      [5, 3, width],
      [5, 1, width],
      [5, 1, width],
    ],
    fused: (operands) => torch.fusedRotate(operand(operands, 0), table(operands, 1), table(operands, 2)),
    definition: (operands) => {
      const [x, cosines, sines] = [operand(operands, 0), operand(operands, 1), operand(operands, 2)];
      return torch.add(torch.mul(x, cosines), torch.mul(torch.roll(x, width / 2, { dims: -1 }), sines));
    },
    trained: 1,
  };
}

const activations: Readonly<
  Record<string, { factors: [number, number]; apply: (x: torch.Tensor) => torch.Tensor }>
> = {
  silu: { factors: [1, 0], apply: (x) => torch.silu(x) },
  "gelu by tanh": {
    factors: [2 * Math.sqrt(2 / Math.PI), 0.08943 * Math.sqrt(2 / Math.PI)],
    apply: (x) => torch.gelu(x, { approximate: "tanh" }),
  },
  "quick gelu": {
    factors: [1.702, 0],
    apply: (x) => torch.mul(x, torch.sigmoid(torch.mulScalar(x, 1.702))),
  },
};

/** The gate of an MLP, over many standard deviations. */
function gate(name: string, rows: number): Case {
  const { factors, apply } = activations[name] ?? expect.fail(name);
  const wide = (operands: Operands) => torch.mulScalar(operand(operands, 0), 4);
  return {
    shapes: [
      [rows, 37],
      [rows, 37],
    ],
    fused: (operands) => torch.fusedActAndMul(wide(operands), operand(operands, 1), ...factors),
    definition: (operands) => torch.mul(apply(wide(operands)), operand(operands, 1)),
    trained: 2,
  };
}

const cases: Readonly<Record<string, Case>> = {
  "rms_norm, width 64": norm([5, 3, 64], false),
  "rms_norm, width 7": norm([3, 7], false),
  "rms_norm counting from 1, width 24": norm([4, 24], true),
  "rms_norm, several blocks of rows": norm([700, 100], false),
  "rotate, width 64": rotation(64),
  "rotate, width 6": rotation(6),
  "silu, many elements": gate("silu", 1000),
  "silu, few elements": gate("silu", 1),
  "gelu by tanh": gate("gelu by tanh", 5),
  "quick gelu": gate("quick gelu", 5),
};

/** The output and the gradients of a weighted sum of it, all in float64. */
function run(
  compute: Compute,
  { shapes, trained }: Case,
  dtype: torch.DType,
  rounded: Kernel,
): torch.Tensor[] {
  using generator = new torch.Generator(1, "cpu");
  const draw = (shape: readonly number[]) => {
    const exact = torch.randn([...shape], { generator, dtype: "float64", device: "cpu" });
    return torch.toDType(torch.toDType(exact, rounded), dtype);
  };
  const operands = shapes.map(draw);
  for (const one of operands.slice(0, trained)) one.setRequiresGrad(true);
  const out = compute(operands);
  const weights = torch.toDType(draw(out.shape), "float64");
  const scalar = torch.sum(torch.mul(torch.toDType(out, "float64"), weights));
  const gradients = torch.grad([scalar], operands.slice(0, trained));
  return [out, ...gradients.map((gradient) => gradient ?? expect.fail("a gradient is missing"))].map((x) =>
    torch.toDType(torch.detach(x), "float64"),
  );
}

/** ‖Δ‖ / ‖reference‖ of the output and of each gradient. */
function errors(found: readonly torch.Tensor[], exact: readonly torch.Tensor[]): number[] {
  const length = (x: torch.Tensor) => torch.linalgVectorNorm(x).item();
  return found.map((x, i) => length(torch.sub(x, elementAt(exact, i))) / length(elementAt(exact, i)));
}

test.each(Object.keys(cases))(
  "%s: in float32 output and gradients equal the definition in float64",
  (name) => {
    torch.scope(() => {
      const one = cases[name] ?? expect.fail(name);
      const exact = run(one.definition, one, "float64", "float32");
      for (const error of errors(run(one.fused, one, "float32", "float32"), exact))
        expect(error).toBeLessThan(3e-7);
    });
  },
);

test.each(Object.keys(cases))(
  "%s: in bfloat16 no further from float64 than the definition in bfloat16",
  (name) => {
    torch.scope(() => {
      const one = cases[name] ?? expect.fail(name);
      const exact = run(one.definition, one, "float64", "bfloat16");
      const unfused = errors(run(one.definition, one, "bfloat16", "bfloat16"), exact);
      errors(run(one.fused, one, "bfloat16", "bfloat16"), exact).forEach((error, i) => {
        expect(error).toBeLessThan(2 ** -8);
        expect(error).toBeLessThanOrEqual(elementAt(unfused, i) * 1.01);
      });
    });
  },
);

test("they refuse what does not fit", () => {
  torch.scope(() => {
    const zeros = (shape: number[], dtype: torch.DType = "float32") =>
      torch.zeros(shape, { dtype, device: "cpu" });
    const turn = (shape: number[], dtype?: torch.DType) =>
      [zeros(shape, dtype), zeros(shape, dtype)] as const;
    const refused = [
      ["rms_norm", () => torch.fusedRmsNorm(zeros([2, 8]), zeros([7]), 1e-5), "Float[7]"],
      ["rms_norm", () => torch.fusedRmsNorm(zeros([2, 8]), zeros([8], "bfloat16"), 1e-5), "BFloat16[8]"],
      [
        "rms_norm",
        () => torch.fusedRmsNorm(zeros([2, 8], "float64"), zeros([8], "float64"), 1e-5),
        "Double[8]",
      ],
      ["rms_norm", () => torch.fusedRmsNorm(zeros([2, 0]), zeros([0]), 1e-5), "no width of 0"],
      ["rotate", () => torch.fusedRotate(zeros([5, 3, 8]), ...turn([4, 1, 8])), "Float[4, 1, 8]"],
      ["rotate", () => torch.fusedRotate(zeros([5, 3, 7]), ...turn([5, 1, 7])), "even and not 0"],
      ["rotate", () => torch.fusedRotate(zeros([5, 3, 0]), ...turn([5, 1, 0])), "even and not 0"],
      [
        "rotate",
        () => torch.fusedRotate(zeros([5, 3, 8]), ...turn([5, 1, 8], "bfloat16")),
        "BFloat16[5, 1, 8]",
      ],
      ["act_and_mul", () => torch.fusedActAndMul(zeros([2, 8]), zeros([2, 7]), 1, 0), "Float[2, 7]"],
      ["act_and_mul", () => torch.fusedActAndMul(zeros([2]), zeros([2], "bfloat16"), 1, 0), "BFloat16[2]"],
    ] as const;
    for (const [where, call, message] of refused) expect(call).toThrow(refusal("tensor", { where, message }));
  });
});

test("far from 0 an activation is nearly 0 or its input, and what is not finite stays so", () => {
  torch.scope(() => {
    const inputs = [-1e30, -200, 200, 1e30, Number.POSITIVE_INFINITY, Number.NaN];
    for (const dtype of ["float32", "bfloat16"] as const) {
      const gate = torch.toDType(torch.fromData(Float32Array.from(inputs), [6], { device: "cpu" }), dtype);
      const up = torch.ones([6], { dtype, device: "cpu" });
      const [low, lower, ...others] = torch
        .toDType(torch.fusedActAndMul(gate, up, 1, 0.1), "float32")
        .toFloats();
      for (const small of [low, lower]) expect(Math.abs(small ?? 1)).toBeLessThan(1e-7);
      expect(others).toEqual([...torch.toDType(gate, "float32").toFloats()].slice(2));
    }
  });
});
