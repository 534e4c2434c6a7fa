import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { SafetensorsFile } from "../safetensors/index.ts";
import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { mapTuple } from "../util/elements.ts";
import { Linear, Nf4Weight, nf4Codebook } from "./index.ts";

const codebook = nf4Codebook("cpu");
const golden = SafetensorsFile.open(
  fileURLToPath(new URL("../../test/golden/nf4/weights.safetensors", import.meta.url)),
);
afterAll(() => {
  golden.dispose();
  codebook.levels.dispose();
  codebook.scales.dispose();
});

const cases = [...golden.entries.keys()].flatMap((name) =>
  name.endsWith(".weight") ? name.slice(0, -7) : [],
);

describe("codes and numbers are those of bitsandbytes, bit for bit", () => {
  test("the codebook", () => {
    torch.scope(() => {
      expect(codebook.levels.toFloats()).toEqual(golden.tensor("codebook.levels").toFloats());
      expect(codebook.scales.toFloats()).toEqual(golden.tensor("codebook.scales").toFloats());
    });
  });

  test.each(cases)("%s", (name) => {
    const live = torch.liveTensorCount();
    torch.scope(() => {
      const weight = golden.tensor(`${name}.weight`);
      using nf4 = torch.scope(() => new Nf4Weight(weight, nf4Codebook("cpu")));
      for (const part of ["packed", "absmax", "nested_absmax", "offset"] as const)
        expect([part, ...nf4[part].toFloats()]).toEqual([
          part,
          ...golden.tensor(`${name}.${part}`).toFloats(),
        ]);
      const numbers = golden.tensor(`${name}.numbers`);
      expect(nf4.dense().dtype).toBe(numbers.dtype);
      expect(nf4.dense().shape).toEqual(numbers.shape);
      expect(nf4.dense().toFloats()).toEqual(numbers.toFloats());
    });
    expect(torch.liveTensorCount()).toBe(live);
  });

  test("every device's way to the numbers is the CPU's", () => {
    torch.scope(() => {
      for (const name of ["random", "odd", "ties"]) {
        const wide = torch.toDType(golden.tensor(`${name}.weight`), "float64");
        using nf4 = new Nf4Weight(wide, nf4Codebook("cpu"));
        expect(nf4.dense().toFloats()).toEqual(golden.tensor(`${name}.numbers`).toFloats());
      }
    });
  });
});

test("a weight takes 4 bits a number, 8 for 64 and 32 for 16,384 of them", () => {
  torch.scope(() => {
    using nf4 = new Nf4Weight(normal([512, 512]), nf4Codebook("cpu"));
    const own = [nf4.packed, nf4.absmax, nf4.nested_absmax, nf4.offset];
    const bits = own.reduce((sum, { numel, dtype }) => sum + 8 * numel * torch.dtypeWidth(dtype), 0);
    expect(bits / nf4.numel).toBeCloseTo(4 + 8 / 64 + 32 / 16_384, 3);
    expect(bits / nf4.numel).toBeLessThan(4.128);
  });
});

/** A layer of 70 × 50 with bias, in float64, and the same layer with the numbers of its codes as they are. */
function layers(): { layer: Linear; plain: Linear } {
  const nf4 = new Nf4Weight(torch.toDType(normal([70, 50]), "float64"), nf4Codebook("cpu"));
  const bias = torch.toDType(normal([70]), "float64");
  return { layer: new Linear(nf4, bias), plain: new Linear(nf4.dense(), bias) };
}

test("products and their gradients are those of the numbers behind the codes", () => {
  torch.scope(() => {
    const { layer, plain } = layers();
    const leaf = (...shape: number[]) => torch.toDType(normal(shape), "float64").setRequiresGrad(true);
    const [x, A, B] = [leaf(9, 50), leaf(70, 3), leaf(50, 3)];
    const ways = [
      (one: Linear) => one.forwardBase(x),
      (one: Linear) => one.forwardBase(x, null),
      (one: Linear) => one.forwardLowRank(x, A, B, 0.7),
      (one: Linear) => one.forwardLowRank(x, A, B, 0.7, null),
    ];
    for (const way of ways) {
      const [ours, reference] = mapTuple([layer, plain], (one) => {
        const y = way(one);
        return [y, ...torch.grad([torch.sum(torch.sin(y))], [x, A, B])];
      });
      ours.forEach((tensor, i) => {
        expect(tensor?.toFloats()).toEqual(reference[i]?.toFloats());
      });
    }
    layer.dispose();
  });
});

test.each(["float32", "bfloat16"] as const)("in %s the graph keeps the codes alone", (dtype) => {
  const live = torch.liveTensorCount();
  torch.scope(() => {
    const nf4 = new Nf4Weight(torch.toDType(normal([96, 64]), dtype), nf4Codebook("cpu"));
    const layer = new Linear(nf4);
    const x = torch.toDType(normal([5, 64]), dtype).setRequiresGrad(true);
    layer.forward(x).backward(torch.toDType(normal([5, 96]), dtype));
    using dense = torch.noGrad(() => layer.denseWeight());
    const dy = torch.toDType(normal([5, 96]), dtype);
    const expected = torch.matmul(torch.toDType(dy, "float64"), torch.toDType(dense, "float64"));
    const error = torch.linalgVectorNorm(torch.sub(torch.toDType(x.grad ?? x, "float64"), expected)).item();
    expect(error / torch.linalgVectorNorm(expected).item()).toBeLessThan(dtype === "float32" ? 1e-6 : 6e-3);
    layer.dispose();
  });
  expect(torch.liveTensorCount()).toBe(live);
});

test("codes that do not make the weight are refused, and so is what would write to it", () => {
  torch.scope(() => {
    const { layer } = layers();
    expect(() => layer.forwardBase(torch.zeros([2, 49], { dtype: "float64", device: "cpu" }))).toThrow(
      "does not fit a weight of shape [70, 50]",
    );
    expect(() => layer.plainWeight()).toThrow("A quantised weight cannot be trained or merged into");
    const { packed, absmax, nested_absmax: nested, offset } = nf4Of(layer);
    const parts = [packed, absmax, nested, offset, codebook.levels, codebook.scales];
    expect(() => torch.nf4Dequantize(parts, 70, 51, "float32")).toThrow(
      "do not make a weight of shape [70, 51]",
    );
    // One number seen sixteen times: in memory it is followed by others.
    const strided = torch.expand(torch.ones([1], { device: "cpu" }), [16]);
    expect(() => torch.nf4Dequantize(parts.with(4, strided), 70, 50, "float32")).toThrow(
      "do not make a weight",
    );
    layer.dispose();
  });
});

function nf4Of({ weight }: Linear): Nf4Weight {
  return weight instanceof Nf4Weight ? weight : expect.fail("not quantised");
}

/** The same normal numbers each time. */
function normal(shape: number[]): Tensor {
  using generator = new torch.Generator(11, "cpu");
  return torch.randn(shape, { generator, device: "cpu" });
}
