import { expect, test } from "vitest";
import { type RefusalParts, refusal } from "../testing/refusal.ts";
import type { ErrorCode } from "../util/errors.ts";
import * as torch from "./index.ts";

const matrix = () => torch.fromData(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3], { device: "cpu" });

test("data goes in and comes out in row-major order, for every dtype", () => {
  torch.scope(() => {
    expect(matrix().data()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect([...torch.transpose(matrix(), 0, 1).data()]).toEqual([1, 4, 2, 5, 3, 6]);
    const big = torch.fromData(new BigInt64Array([2n ** 62n]), [1], { device: "cpu" });
    expect(big.data()).toEqual(new BigInt64Array([2n ** 62n]));
    expect(
      torch.fromData(new Uint16Array([0x3fc0]), [1], { dtype: "bfloat16", device: "cpu" }).toFloats(),
    ).toEqual(new Float64Array([1.5]));
    expect(torch.fromData(new Uint8Array([1, 0]), [2], { dtype: "bool", device: "cpu" }).dtype).toBe("bool");
    expect(torch.indices([3, 1], { device: "cpu" }).dtype).toBe("int64");
  });
});

test("gradients accumulate in leaves", () => {
  torch.scope(() => {
    const w = matrix().setRequiresGrad(true);
    const gradient = torch.zerosLike(w);
    w.setGrad(gradient);
    torch.sum(torch.mul(w, w)).backward();
    torch.sum(w).backward();
    expect([...gradient.data()]).toEqual([3, 5, 7, 9, 11, 13]);
    expect(torch.noGrad(() => torch.mul(w, w)).requiresGrad).toBe(false);
  });
});

test("a scope frees what it made, keeps what it returns, and passes it to its parent", () => {
  const before = torch.liveTensorCount();
  const outer = torch.scope(() => {
    const inner = torch.scope(() => ({ sum: torch.sum(matrix()), list: [matrix()] }));
    expect(torch.liveTensorCount()).toBe(before + 2);
    return inner.sum;
  });
  expect(torch.liveTensorCount()).toBe(before + 1);
  expect(outer.item()).toBe(21);
  outer.dispose();
  const kept = torch.scope(() => {
    matrix().keep();
    return [...Array(3)].map(() => matrix());
  });
  for (const tensor of kept) tensor.dispose();
  expect(torch.liveTensorCount()).toBe(before + 1);
});

test("a scope frees everything when its body throws", () => {
  const before = torch.liveTensorCount();
  expect(() =>
    torch.scope(() => {
      matrix();
      throw new Error("stop");
    }),
  ).toThrow("stop");
  expect(torch.liveTensorCount()).toBe(before);
});

test("leaks are reported with the place that created them", () => {
  torch.trackLeaks(true);
  const leaked = matrix();
  const [report] = torch.leakReport();
  expect(report?.count).toBe(1);
  expect(report?.stack).toContain("tensor.test.ts");
  leaked.dispose();
  expect(torch.leakReport()).toEqual([]);
  torch.trackLeaks(false);
});

test("a generator repeats from its state and gives Python torch's numbers", () => {
  torch.scope(() => {
    using generator = new torch.Generator(42, "cpu");
    const state = generator.state();
    const first = torch.randn([3], { generator, device: "cpu" }).data();
    // torch.manual_seed(42); torch.randn(3)
    expect([...first].map((x) => Number(x).toFixed(4))).toEqual(["0.3367", "0.1288", "0.2345"]);
    generator.setState(state);
    expect(torch.randn([3], { generator, device: "cpu" }).data()).toEqual(first);
  });
});

/** Mistakes that a user can make; none may crash the process. */
const mistakes: [name: string, call: () => unknown, parts: RefusalParts, code?: ErrorCode][] = [
  [
    "use after dispose",
    () => {
      const t = matrix();
      t.dispose();
      torch.add(t, t);
    },
    { where: "aten::add.Tensor", message: "disposed", fix: "keep it alive" },
  ],
  [
    "wrong dtype",
    () => torch.mm(matrix(), torch.fromData(new Float64Array(6), [3, 2], { device: "cpu" })),
    { where: "aten::mm", found: "self Float[2, 3], mat2 Double[3, 2]", message: "same dtype" },
  ],
  [
    "shape mismatch",
    () => torch.mm(matrix(), matrix()),
    { where: "aten::mm", found: "self Float[2, 3], mat2 Float[2, 3]" },
  ],
  [
    "an allocation of 2^50 bytes",
    () => torch.zeros([2 ** 48], { device: "cpu" }),
    { where: "aten::zeros", found: "size [281474976710656]" },
  ],
  [
    "a size that overflows",
    () => torch.zeros([2 ** 40, 2 ** 40], { device: "cpu" }),
    { where: "aten::zeros", found: "size [1099511627776, 1099511627776]" },
  ],
  [
    "a NaN size",
    () => torch.zeros([Number.NaN], { device: "cpu" }),
    { where: "aten::zeros", found: "NaN", message: "size must be an integer" },
  ],
  [
    "a negative size",
    () => torch.zeros([-1], { device: "cpu" }),
    { where: "aten::zeros", found: "size [-1]" },
  ],
  [
    "an integer beyond 2^53",
    () => torch.narrow(matrix(), 0, 2 ** 53, 1),
    { where: "aten::narrow", found: "9007199254740992", message: "start must be an integer" },
  ],
  [
    "a fraction for an integer",
    () => torch.select(matrix(), 0.5, 0),
    { where: "aten::select.int", found: "0.5", message: "dim must be an integer" },
  ],
  [
    "a huge axis",
    () => torch.select(matrix(), 1e9, 0),
    { where: "aten::select.int", found: "self Float[2, 3], dim 1000000000, index 0" },
  ],
  [
    "a negative axis",
    () => torch.sum(matrix(), { dim: [-7] }),
    { where: "aten::sum.dim_IntList", found: "dim [-7]" },
  ],
  [
    "an index out of range",
    () => torch.select(matrix(), 0, 9),
    { where: "aten::select.int", found: "self Float[2, 3], dim 0, index 9" },
  ],
  [
    "a typed array of the wrong length",
    () => torch.fromData(new Float32Array(5), [2, 3], { device: "cpu" }),
    { where: "fromData", found: "20 bytes", message: "24 bytes" },
  ],
  [
    "a token outside the vocabulary",
    () => torch.embedding(matrix(), torch.indices([7], { device: "cpu" })),
    { where: "aten::embedding", found: "indices Long[1]", message: "out of range" },
  ],
  [
    "an unknown dtype",
    () => Reflect.apply(torch.toDType, undefined, [matrix(), "float17"]),
    { expected: "float64", message: '"float17"' },
  ],
  [
    "no such operator",
    () => torch.dispatch("aten::nothing", ""),
    { where: "operator", message: "aten::nothing" },
  ],
  ["an item of many", () => matrix().item(), { where: "item", message: "6 elements" }],
  [
    "backward of a vector",
    () => matrix().setRequiresGrad(true).backward(),
    { where: "backward", message: "scalar" },
  ],
  [
    "backward without gradients",
    () => torch.sum(matrix()).backward(),
    { where: "backward", message: "does not require grad" },
  ],
  [
    "a gradient of another shape",
    () => matrix().setGrad(torch.zeros([1], { device: "cpu" })),
    { where: "setGrad", message: "shape and dtype" },
  ],
  [
    "a targets array that is too short",
    () => torch.linearCrossEntropy(matrix(), matrix(), torch.indices([0], { device: "cpu" })),
    { where: "scalora::linear_cross_entropy", message: "shape [2], found Long[1]" },
  ],
  [
    "a target outside the vocabulary",
    () => torch.linearCrossEntropy(matrix(), matrix(), torch.indices([0, 2], { device: "cpu" })),
    { where: "scalora::linear_cross_entropy", message: "out of bounds of the vocabulary, 2 tokens" },
  ],
  [
    "adapters that do not fit",
    () =>
      torch.loraLinear(
        matrix(),
        matrix(),
        torch.zeros([9, 1], { device: "cpu" }),
        torch.zeros([3, 1], { device: "cpu" }),
        1,
      ),
    { where: "scalora::lora_linear", message: "A of shape [9, 1] and B of shape [3, 1]" },
  ],
  ["no threads", () => torch.setThreads(0), { where: "setThreads", found: "0", message: "1 to 4096" }],
  [
    "a missing file",
    () => new torch.MappedFile("nowhere/weights"),
    { where: "mapFile", message: "nowhere/weights" },
    "format",
  ],
];

test.each(mistakes)("%s is a clear error", (_name, call, parts, code = "tensor") => {
  expect(() => torch.scope(call)).toThrow(refusal(code, parts));
});

test("size of one dimension, and sizes as a tuple of a given length", () => {
  torch.scope(() => {
    const x = torch.zeros([2, 3], { device: "cpu" });
    expect([x.size(0), x.size(-1), ...x.sizes(2)]).toEqual([2, 3, 2, 3]);
    const refused = (found: string) => expect.objectContaining({ code: "tensor", found });
    expect(() => x.size(2)).toThrow(refused("[2, 3]"));
    expect(() => x.sizes(3)).toThrow(refused("[2, 3]"));
  });
});
