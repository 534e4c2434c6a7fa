import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { dequantise } from "../gguf/dequantise.ts";
import { encodeTensor } from "../gguf/encode-tensor.ts";
import { tensorTypeByName } from "../gguf/tensor-types.ts";
import { runsTypeScript } from "../testing/child-process.ts";
import "../testing/close-to.ts";
import { hasHugePages, hugePageKiB } from "../testing/huge-pages.ts";
import { tolerances } from "../testing/tolerances.ts";
import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { Linear, Q8Weight } from "./index.ts";

const q8 = tensorTypeByName("Q8_0");
const normal = (shape: readonly number[], seed: number) => {
  using generator = new torch.Generator(seed, "cpu");
  return torch.normal_(torch.empty(shape, { dtype: "float32", device: "cpu" }), { generator });
};
const wide = (x: Tensor) => torch.toDType(x, "float64");
const quantised = (weight: Tensor) => new Q8Weight(torch.ggufQuantize(weight, "Q8_0"), weight.dtype);

test("a weight has the numbers of its blocks, those that the export writes", () => {
  torch.scope(() => {
    const values = normal([40, 64], 1).toFloats();
    values.set([0, 0.5, -0.5, 127, 1.5, -1.5, 2.5], 32);
    values.fill(0, 64, 96);
    values.fill(1e-6, 96, 128);
    const weight = torch.fromData(Float32Array.from(values), [40, 64], { device: "cpu" });
    const blocks = torch.ggufQuantize(weight, "Q8_0");
    expect([...blocks.toFloats()]).toEqual([...encodeTensor(weight, q8)]);
    using weightOf = new Q8Weight(blocks, "float32");
    const numbers = Float64Array.from(dequantise(q8, encodeTensor(weight, q8)));
    expect(weightOf.dense().toFloats()).toEqual(numbers);
    expect(weightOf.shape).toEqual([40, 64]);
  });
});

test.each([
  [1, 48, 64],
  [3, 17, 96],
  [8, 33, 32],
  [21, 5, 160],
  [64, 16, 64],
])("%i rows by a weight [%i, %i]: the product of the dequantised weight", (rows, out, columns) => {
  const live = torch.liveTensorCount();
  torch.scope(() => {
    const [weight, x, bias] = [normal([out, columns], 2), normal([rows, columns], 3), normal([out], 4)];
    using q = quantised(weight);
    const exact = torch.add(torch.matmul(wide(x), torch.transpose(wide(q.dense()), 0, 1)), wide(bias));
    expect(q.forwardBase(x, bias).toFloats()).toBeCloseToAll(exact.toFloats(), tolerances.q8Product);
    const half = torch.toDType(x, "bfloat16");
    const result = torch.noGrad(() => q.forwardBase(half, null));
    expect(result.dtype).toBe("bfloat16");
    expect(torch.add(wide(result), wide(bias)).toFloats()).toBeCloseToAll(exact.toFloats(), {
      ...tolerances.bfloat16Logits,
    });
  });
  expect(torch.liveTensorCount()).toBe(live);
});

test("a row's result does not depend on the rows beside it", () => {
  torch.scope(() => {
    using q = quantised(normal([40, 64], 5));
    const x = normal([19, 64], 6);
    const whole = q.forwardBase(x, null);
    for (let i = 0; i < 19; i++)
      expect(q.forwardBase(torch.narrow(x, 0, i, 1), null).toFloats()).toEqual(
        torch.narrow(whole, 0, i, 1).toFloats(),
      );
  });
});

test("the extremes of both sides do not overflow, and what is not finite stays so", () => {
  torch.scope(() => {
    const blocks = new Uint8Array(2 * 34);
    for (const [row, code] of [128, 127].entries()) {
      blocks.set([0, 0x3c], row * 34);
      blocks.fill(code, row * 34 + 2, row * 34 + 34);
    }
    using q = new Q8Weight(torch.fromData(blocks, [2, 34], { device: "cpu" }), "float32");
    const x = torch.full([1, 32], -3, { dtype: "float32", device: "cpu" });
    expect(q.forwardBase(x, null).toFloats()).toBeCloseToAll(
      [3 * 128 * 32, -3 * 127 * 32],
      tolerances.logits,
    );
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bad = torch.full([1, 32], 1, { dtype: "float32", device: "cpu" });
      torch.fill_(torch.narrow(bad, 1, 7, 1), value);
      for (const result of q.forwardBase(bad, null).toFloats()) expect(Number.isFinite(result)).toBe(false);
    }
  });
});

test("rows of an embedding, and a low-rank change beside the weight", () => {
  torch.scope(() => {
    using q = quantised(normal([40, 64], 7));
    const dense = q.dense();
    const tokens = torch.indices([39, 0, 7], { device: "cpu" });
    expect(q.rows(tokens).toFloats()).toEqual(torch.indexSelect(dense, 0, tokens).toFloats());
    expect(() => q.rows(torch.indices([40], { device: "cpu" }))).toThrow(/row 40/);
    const [x, A, B] = [normal([4, 64], 8), normal([40, 3], 9), normal([64, 3], 10)];
    const P = normal([40, 2], 11);
    const Q = normal([64, 2], 12);
    const base = new Linear(q).forwardBase(x);
    const change = torch.add(
      torch.mulScalar(torch.matmul(torch.matmul(x, B), torch.transpose(A, 0, 1)), 2),
      torch.matmul(torch.matmul(x, Q), torch.transpose(P, 0, 1)),
    );
    expect(new Linear(q).forwardLowRank(x, A, B, 2, null, { P, Q }).toFloats()).toBeCloseToAll(
      torch.add(base, change).toFloats(),
      tolerances.logits,
    );
  });
});

test("a gradient is refused, and so are codes of another shape", () => {
  torch.scope(() => {
    using q = quantised(normal([40, 64], 13));
    const x = normal([2, 64], 14).setRequiresGrad(true);
    expect(() => q.forwardBase(x, null)).toThrow(/no gradients/);
    expect(torch.noGrad(() => q.forwardBase(x, null)).requiresGrad).toBe(false);
    expect(() => q.forwardBase(normal([2, 32], 15), null)).toThrow(/are not those of a weight/);
    expect(() => torch.ggufQuantize(normal([2, 33], 16), "Q8_0")).toThrow(/multiple of 32/);
  });
});

test.runIf(hasHugePages)(
  "weights lie side by side in huge pages, which are freed with the last of them",
  () => {
    const before = hugePageKiB();
    const first = torch.scope(() => quantised(normal([40, 64], 17)));
    const second = torch.scope(() => quantised(normal([64, 1024], 18)));
    const region = hugePageKiB() - before;
    expect(region).toBeGreaterThanOrEqual(2048);
    const third = torch.scope(() => quantised(normal([40, 64], 19)));
    expect(hugePageKiB() - before).toBe(region);
    for (const weight of [first, third, second]) weight.dispose();
    expect(hugePageKiB()).toBe(before);
  },
);

// The instruction set is chosen once for a process.
const kernels = `
  import * as torch from ${JSON.stringify(new URL("../torch/index.ts", import.meta.url).href)};
  const ramp = (rows, columns, step) => torch.fromData(Float32Array.from({ length: rows * columns }, (_, i) => ((i * step) % 101) - 50), [rows, columns], { device: "cpu" });
  const [codes, scales] = torch.q8Pack(torch.ggufQuantize(ramp(37, 96, 7), "Q8_0"));
  console.log(JSON.stringify([1, 2, 5, 8, 15].map((rows) => [...torch.q8Linear(ramp(rows, 96, 13), codes, scales, 37).toFloats()])));
`;

test.runIf(process.arch === "x64")("every kernel computes the same", () => {
  const run = (capability: string) => {
    const { stdout } = spawnSync(
      process.execPath,
      [...runsTypeScript, "--input-type=module", "-e", kernels],
      {
        env: { ...process.env, ATEN_CPU_CAPABILITY: capability },
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        encoding: "utf8",
      },
    );
    return JSON.parse(stdout).flat();
  };
  const plain = run("default");
  for (const capability of ["avx2", "avx512"])
    expect(run(capability)).toBeCloseToAll(plain, tolerances.logits);
});
