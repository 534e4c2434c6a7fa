import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { elementAt, mapTuple } from "../util/elements.ts";
import * as torch from "./index.ts";
import { useSecondDevice } from "./second-device.ts";

/** Worst difference over the largest value. */
function relative(a: torch.Tensor, b: torch.Tensor): number {
  return torch.max(torch.abs(torch.sub(a, b))).item() / torch.max(torch.abs(b)).item();
}

/** float64 tensors that record gradients. */
function leaves<Name extends string>(shapes: Record<Name, number[]>): Record<Name, torch.Tensor>;
function leaves(shapes: Record<string, number[]>): Record<string, torch.Tensor> {
  using generator = new torch.Generator(1, "cpu");
  const made = Object.entries(shapes).map(([name, shape]) => {
    const tensor = torch.randn(shape, { generator, dtype: "float64", device: "cpu" });
    return [name, tensor.setRequiresGrad(true)] as const;
  });
  return Object.fromEntries(made);
}

/** Rounds float64 tensors in place to what a dtype can hold. */
function roundTo(dtype: torch.DType, tensors: readonly torch.Tensor[]): void {
  for (const x of tensors)
    torch.noGrad(() => torch.copy_(x, torch.toDType(torch.toDType(x, dtype), "float64")));
}

/** Each head of `[T, 2, 24]` three times. */
const threeOfEach = (x: torch.Tensor) =>
  torch.reshape(torch.expand(torch.unsqueeze(x, 2), [-1, 2, 3, 24]), [-1, 6, 24]);

/** @param expected of float64, one for each gradient */
function expectGradients(
  found: readonly (torch.Tensor | null | undefined)[],
  expected: readonly (torch.Tensor | null | undefined)[],
  tolerance: number,
): void {
  found.forEach((gradient, i) => {
    const exact = expected[i];
    if (!gradient || !exact) throw new Error("a gradient is missing");
    expect(relative(torch.toDType(gradient, "float64"), exact)).toBeLessThan(tolerance);
  });
}

test("lora_linear equals its definition, gradients included", () => {
  torch.scope(() => {
    const { x, A, B } = leaves({ x: [7, 5], A: [6, 2], B: [5, 2] });
    const { w, b } = leaves({ w: [6, 5], b: [6] });
    w.setRequiresGrad(false);
    b.setRequiresGrad(false);
    const ours = torch.loraLinear(x, w, A, B, 0.7, { bias: b });
    const low = torch.matmul(torch.matmul(x, B), torch.transpose(A, 0, 1));
    const reference = torch.add(torch.linear(x, w, { bias: b }), low, { alpha: 0.7 });
    expect(relative(ours, reference)).toBeLessThan(1e-14);
    const weights = torch.sin(torch.arange(0, 42, { dtype: "float64", device: "cpu" }));
    const scalar = (y: torch.Tensor) => torch.sum(torch.mul(torch.reshape(y, [42]), weights));
    const [mine, theirs] = mapTuple([ours, reference], (y) => torch.grad([scalar(y)], [x, A, B]));
    expectGradients(mine, theirs, 1e-14);
  });
});

test("lora_linear with a frozen delta equals its definition, and its gradients equal finite differences", () => {
  torch.scope(() => {
    const { x, A, B, w, P, Q } = leaves({ x: [7, 5], A: [6, 2], B: [5, 2], w: [6, 5], P: [6, 3], Q: [5, 3] });
    for (const frozen of [w, P, Q]) frozen.setRequiresGrad(false);
    const low = (left: torch.Tensor, right: torch.Tensor) =>
      torch.matmul(torch.matmul(x, right), torch.transpose(left, 0, 1));
    const reference = torch.add(torch.add(torch.linear(x, w), low(A, B), { alpha: 0.7 }), low(P, Q));
    const ours = () => torch.loraLinear(x, w, A, B, 0.7, { P, Q });
    expect(relative(ours(), reference)).toBeLessThan(1e-14);
    const weights = torch.reshape(
      torch.sin(torch.arange(0, 42, { dtype: "float64", device: "cpu" })),
      [7, 6],
    );
    // Squared, so that every gradient depends on all operands.
    const loss = () => torch.sum(torch.mul(torch.square(ours()), weights));
    const gradients = torch.grad([loss()], [x, A, B]);
    using generator = new torch.Generator(2, "cpu");
    [x, A, B].forEach((operand, i) => {
      const direction = torch.randn(operand.shape, { generator, dtype: "float64", device: "cpu" });
      const at = (size: number) =>
        torch.noGrad(() => {
          torch.add_(operand, direction, { alpha: size });
          const there = loss().item();
          torch.add_(operand, direction, { alpha: -size });
          return there;
        });
      const gradient = gradients[i] ?? expect.fail("a gradient is missing");
      const along = torch.sum(torch.mul(gradient, direction)).item();
      const [near, far] = mapTuple([1e-4, 2e-4], (size) => (at(size) - at(-size)) / (2 * size));
      const difference = near + (near - far) / 3;
      expect(Math.abs(along - difference) / Math.abs(difference)).toBeLessThan(1e-9);
    });
    expect(() => torch.loraLinear(x, w, A, B, 1, { P })).toThrow(
      refusal("tensor", { where: "lora_linear", found: "Q None" }),
    );
    expect(() => torch.loraLinear(x, w, A, B, 1, { P: Q, Q: P })).toThrow(
      refusal("tensor", { where: "lora_linear", found: "P Double[5, 3], Q Double[6, 3]" }),
    );
    expect(() => torch.loraLinear(x, w, A, B, 1, { P: A, Q: B })).toThrow(
      refusal("tensor", { where: "lora_linear", message: "frozen" }),
    );
  });
});

test.each([5, 300])(
  "linear_cross_entropy of %i rows equals log-softmax and nll, gradients included",
  (rows) => {
    torch.scope(() => {
      // 40,000 words make chunks of 104 rows
      const { hidden, weight } = leaves({ hidden: [rows, 3], weight: [40_000, 3] });
      const targets = torch.indices(
        Array.from({ length: rows }, (_, i) => (i * 7919) % 40_000),
        { device: "cpu" },
      );
      const ours = torch.linearCrossEntropy(hidden, weight, targets);
      const logits = torch.matmul(hidden, torch.transpose(weight, 0, 1));
      const reference = torch.nllLoss(torch.logSoftmax(logits, 1), targets, { reduction: 2 });
      expect(relative(ours, reference)).toBeLessThan(1e-13);
      const [mine, theirs] = mapTuple([ours, reference], (loss) =>
        torch.grad([torch.mulScalar(loss, 0.5)], [hidden, weight]),
      );
      expectGradients(mine, theirs, 1e-13);
    });
  },
);

test.each(["float32", "float64"] as const)(
  "linear_cross_entropy in %s: rows count what their weights say",
  (dtype) => {
    torch.scope(() => {
      const exact = leaves({ hidden: [40, 8], weight: [300, 8] });
      const [hidden, weight] = mapTuple([exact.hidden, exact.weight], (t) =>
        torch.toDType(torch.detach(t), dtype).setRequiresGrad(true),
      );
      const factors = Float32Array.from({ length: 40 }, (_, i) => [1, 0, 0.5][i % 3] ?? 0);
      const rowWeights = torch.fromData(factors, [40], { device: "cpu" });
      const targets = torch.indices(
        Array.from({ length: 40 }, (_, i) => (i * 7919) % 300),
        { device: "cpu" },
      );
      const ours = torch.linearCrossEntropy(hidden, weight, targets, { softCap: 2, rowWeights });
      const logits = torch.mulScalar(
        torch.tanh(torch.divScalar(torch.matmul(exact.hidden, torch.transpose(exact.weight, 0, 1)), 2)),
        2,
      );
      const losses = torch.nllLoss(torch.logSoftmax(logits, 1), targets, { reduction: 0 });
      const reference = torch.sum(torch.mul(losses, rowWeights));
      const [tolerance, gradientTolerance] = dtype === "float32" ? [2e-7, 2e-6] : [1e-13, 1e-13];
      expect(relative(torch.toDType(ours, "float64"), reference)).toBeLessThan(tolerance);
      const mine = torch.grad([ours], [hidden, weight]);
      const theirs = torch.grad([reference], [exact.hidden, exact.weight]);
      expectGradients(mine, theirs, gradientTolerance);
      expect(() =>
        torch.linearCrossEntropy(hidden, weight, targets, { rowWeights: torch.narrow(rowWeights, 0, 0, 39) }),
      ).toThrow("expected float32 row weights of shape [40]");
    });
  },
);

test("linear_cross_entropy refuses labels, and weights of them, on another device, and gradients of weights", () => {
  torch.scope(() => {
    const second = useSecondDevice();
    const here = { dtype: "float32", device: "cpu" } as const;
    const there = { dtype: "float32", device: second } as const;
    const [hidden, weight] = [torch.ones([2, 3], here), torch.ones([5, 3], here)];
    const targets = torch.indices([1, 2], { device: "cpu" });
    expect(() => torch.linearCrossEntropy(hidden, weight, torch.indices([1, 2], { device: second }))).toThrow(
      "on second:0",
    );
    const rowWeights = torch.ones([2], there);
    expect(() => torch.linearCrossEntropy(hidden, weight, targets, { rowWeights })).toThrow("on second:0");
    const trained = torch.ones([2], here).setRequiresGrad(true);
    expect(() => torch.linearCrossEntropy(hidden, weight, targets, { rowWeights: trained })).toThrow(
      "no gradient",
    );
  });
});

test("linear_cross_entropy in float32 equals float64's, gradients included", () => {
  torch.scope(() => {
    const { hidden, weight } = leaves({ hidden: [50, 8], weight: [1003, 8] });
    const targets = torch.indices(
      Array.from({ length: 50 }, (_, i) => (i * 7919) % 1003),
      { device: "cpu" },
    );
    const single = mapTuple([hidden, weight], (t) =>
      torch.toDType(torch.detach(t), "float32").setRequiresGrad(true),
    );
    const reference = torch.linearCrossEntropy(hidden, weight, targets);
    const ours = torch.linearCrossEntropy(single[0], single[1], targets);
    expect(relative(torch.toDType(ours, "float64"), reference)).toBeLessThan(2e-7);
    const mine = torch.grad([ours], single);
    const theirs = torch.grad([reference], [hidden, weight]);
    expectGradients(mine, theirs, 2e-6);
  });
});

// bfloat16: the inputs are exact, the results are rounded to 8 bits, gradients start from a rounded output.
test.skipIf(!torch.hasFusedAttention()).each([
  ["float32", 1e-6, 2e-6],
  ["bfloat16", 2.5e-3, 8e-3],
] as const)(
  "causal_attention in %s equals ATen's in float64, sequence by sequence, gradients included",
  (dtype, tolerance, gradientTolerance) => {
    torch.scope(() => {
      // Part of a block, a full block, several blocks and a remainder; three heads share each head of keys.
      const offsets = [0, 1, 6, 38, 102, 302];
      const shapes = { q: [302, 6, 24], k: [302, 2, 24], v: [302, 2, 24], weights: [302, 6, 24] };
      const { q, k, v, weights } = leaves(shapes);
      roundTo(dtype, [q, k, v, weights]);
      const parts = offsets.slice(1).map((end, i) => {
        const part = (x: torch.Tensor) =>
          torch.transpose(torch.narrow(x, 0, elementAt(offsets, i), end - elementAt(offsets, i)), 0, 1);
        const exact = torch.scaledDotProductAttention(part(q), part(threeOfEach(k)), part(threeOfEach(v)), {
          isCausal: true,
          scale: 0.3,
        });
        return torch.transpose(exact, 0, 1);
      });
      const reference = torch.cat(parts);
      const single = mapTuple([q, k, v], (t) => torch.toDType(torch.detach(t), dtype).setRequiresGrad(true));
      const ours = torch.causalAttention(single[0], single[1], single[2], offsets, 0.3);
      expect(relative(torch.toDType(ours, "float64"), reference)).toBeLessThan(tolerance);
      const mine = torch.grad([torch.sum(torch.mul(torch.toDType(ours, "float64"), weights))], single);
      const theirs = torch.grad([torch.sum(torch.mul(reference, weights))], [q, k, v]);
      expectGradients(mine, theirs, gradientTolerance);
    });
  },
);

test.skipIf(!torch.hasFusedAttention()).each([
  ["float32", false, 1e-6, 2e-6],
  ["float32", true, 1e-6, 2e-6],
  ["bfloat16", true, 2.5e-3, 8e-3],
] as const)(
  "bidirectional_attention in %s (dropout: %s) equals its definition in float64, gradients included",
  (dtype, drops, tolerance, gradientTolerance) => {
    torch.scope(() => {
      // Part of a block, full blocks of each size, several blocks and a remainder; three heads share each head of keys.
      const offsets = [0, 1, 6, 22, 54, 118, 318];
      const shapes = { q: [318, 6, 24], k: [318, 2, 24], v: [318, 2, 24], weights: [318, 6, 24] };
      const { q, k, v, weights } = leaves(shapes);
      roundTo(dtype, [q, k, v, weights]);
      const spans = offsets
        .slice(1)
        .map((end, i) => ({ start: elementAt(offsets, i), length: end - elementAt(offsets, i) }));
      using generator = new torch.Generator(4, "cpu");
      const masks = spans.map(({ length }) =>
        torch.bernoulli_(torch.empty([6, length, length], { dtype: "float32", device: "cpu" }), {
          p: 0.5,
          generator,
        }),
      );
      const parts = spans.map(({ start, length }, i) => {
        const part = (x: torch.Tensor) => torch.transpose(torch.narrow(x, 0, start, length), 0, 1);
        const scores = torch.matmul(part(q), torch.transpose(part(threeOfEach(k)), 1, 2));
        const probabilities = torch.softmax(torch.mulScalar(scores, 0.3), 2);
        const kept = torch.mul(probabilities, torch.toDType(elementAt(masks, i), "float64"));
        return torch.transpose(torch.matmul(drops ? kept : probabilities, part(threeOfEach(v))), 0, 1);
      });
      const reference = torch.cat(parts);
      const single = mapTuple([q, k, v], (t) => torch.toDType(torch.detach(t), dtype).setRequiresGrad(true));
      const kept = drops ? torch.cat(masks.map((mask) => torch.flatten(mask))) : undefined;
      const ours = torch.bidirectionalAttention(single[0], single[1], single[2], offsets, 0.3, { kept });
      expect(relative(torch.toDType(ours, "float64"), reference)).toBeLessThan(tolerance);
      const mine = torch.grad([torch.sum(torch.mul(torch.toDType(ours, "float64"), weights))], single);
      const theirs = torch.grad([torch.sum(torch.mul(reference, weights))], [q, k, v]);
      expectGradients(mine, theirs, gradientTolerance);
    });
  },
);

test.skipIf(!torch.hasFusedAttention())(
  "factors of dropout must be those of every pair of tokens and head",
  () => {
    torch.scope(() => {
      const { q, k, v } = leaves({ q: [5, 2, 8], k: [5, 2, 8], v: [5, 2, 8] });
      const [queries, keys, values] = mapTuple([q, k, v], (x) => torch.toDType(torch.detach(x), "float32"));
      const attend = (kept: torch.Tensor) =>
        torch.bidirectionalAttention(queries, keys, values, [0, 2, 5], 1, { kept });
      const ones = (count: number, dtype: torch.DType) => torch.ones([count], { dtype, device: "cpu" });
      expect(attend(ones(26, "float32")).shape).toEqual([5, 2, 8]);
      expect(() => attend(ones(25, "float32"))).toThrow(/26 float32 factors/);
      expect(() => attend(ones(26, "float64"))).toThrow(/26 float32 factors/);
    });
  },
);

test.each([
  [24, "float32", 1e-6],
  [64, "float32", 1e-6],
  [6, "float32", 1e-6],
  [64, "bfloat16", 1e-2],
] as const)(
  "decode_attention rotates, adds a token to each cache and equals ATen's in float64 (width %d, %s)",
  (width, dtype, tolerance) => {
    torch.scope(() => {
      const lengths = [0, 1, 17, 200];
      const given = leaves({ q: [4, 6, width], k: [4, 2, width], v: [4, 2, width] });
      const { cosines, sines } = leaves({ cosines: [4, 1, width], sines: [4, 1, width] });
      const { keys, values } = leaves({ keys: [4, 201, 2, width], values: [4, 201, 2, width] });
      const single = (x: torch.Tensor) => torch.toDType(torch.detach(x), dtype);
      const rounded = (x: torch.Tensor) => torch.toDType(single(x), "float64");
      const turned = (x: torch.Tensor) =>
        torch.add(
          torch.mul(rounded(x), cosines),
          torch.mul(torch.roll(rounded(x), width / 2, { dims: -1 }), sines),
        );
      const [q, k, v] = [turned(given.q), turned(given.k), rounded(given.v)];
      const caches = (x: torch.Tensor) => lengths.map((_, i) => torch.clone(torch.select(single(x), 0, i)));
      const [ownKeys, ownValues] = [caches(keys), caches(values)];
      const heads = mapTuple([given.q, given.k, given.v], single);
      const tables = mapTuple([cosines, sines], (x) => torch.toDType(torch.detach(x), "float32"));
      const attend = (cache: torch.Tensor[], at: number[]) =>
        torch.decodeAttention(...heads, ...tables, cache, ownValues, at, 0.3);
      const ours = attend(ownKeys, lengths);
      for (const [i, past] of lengths.entries()) {
        const whole = (cache: torch.Tensor, added: torch.Tensor) =>
          torch.cat([
            torch.narrow(torch.select(rounded(cache), 0, i), 0, 0, past),
            torch.narrow(added, 0, i, 1),
          ]);
        const [allKeys, allValues] = [whole(keys, k), whole(values, v)];
        for (const [cache, all] of [
          [elementAt(ownKeys, i), allKeys],
          [elementAt(ownValues, i), allValues],
        ] as const)
          expect(relative(torch.toDType(torch.narrow(cache, 0, 0, past + 1), "float64"), all)).toBeLessThan(
            tolerance,
          );
        const spread = (x: torch.Tensor) => torch.repeatInterleave(torch.transpose(x, 0, 1), 3, { dim: 0 });
        const query = torch.unsqueeze(torch.select(q, 0, i), 1);
        const exact = torch.scaledDotProductAttention(query, spread(allKeys), spread(allValues), {
          scale: 0.3,
        });
        const own = torch.toDType(torch.select(ours, 0, i), "float64");
        expect(relative(own, torch.flatten(exact))).toBeLessThan(tolerance);
      }
      const flat = torch.flatten(tables[0]);
      for (const table of [flat, torch.unsqueeze(flat, 0)])
        expect(() =>
          torch.decodeAttention(...heads, table, tables[1], ownKeys, ownValues, lengths, 0.3),
        ).toThrow("do not fit caches");
      const refuse = (cache: torch.Tensor[], at: number[]) => expect(() => attend(cache, at));
      refuse(ownKeys, [0, 1, 17, 201]).toThrow("no room for a token after 201");
      refuse(ownKeys.slice(1), lengths).toThrow("for each of 4 sequences");
      refuse(
        ownValues.map((x) => torch.toDType(x, "float64")),
        lengths,
      ).toThrow("no room");
    });
  },
);

test("both GEMM backends are exact in fp32, in forward and backward", () => {
  for (const backend of torch.gemmBackends) {
    torch.useGemmBackend(backend);
    torch.scope(() => {
      const { x, w, b } = leaves({ x: [33, 20], w: [24, 20], b: [24] });
      const exact = torch.linear(x, w, { bias: b });
      const single = mapTuple([x, w, b], (t) =>
        torch.toDType(torch.detach(t), "float32").setRequiresGrad(true),
      );
      const ours = torch.fastLinear(single[0], single[1], { bias: single[2] });
      expect(relative(torch.toDType(ours, "float64"), exact)).toBeLessThan(1e-6);
      const mine = torch.grad([torch.sum(torch.square(ours))], single);
      const theirs = torch.grad([torch.sum(torch.square(exact))], [x, w, b]);
      expectGradients(mine, theirs, 2e-6);
    });
  }
  torch.useGemmBackend("aten");
});

test.each([1, 2, 7, 8, 9, 21, 32, 33])(
  "a product of %i rows equals float64's whichever kernel takes it, and that of a row alone",
  (rows) => {
    torch.noGrad(() =>
      torch.scope(() => {
        // An odd number of outputs, more than one block of weights; several vectors of inputs.
        const { x, w, b } = leaves({ x: [rows, 112], w: [75, 112], b: [75] });
        const single = mapTuple([x, w, b], (t) => torch.toDType(torch.detach(t), "float32"));
        for (const bias of [undefined, b]) {
          const exact = torch.linear(x, w, { bias });
          const ours = torch.fastLinear(single[0], single[1], {
            bias: bias && single[2],
          });
          expect(relative(torch.toDType(ours, "float64"), exact)).toBeLessThan(5e-7);
          const last = torch.narrow(single[0], 0, rows - 1, 1);
          const alone = torch.fastLinear(last, single[1], { bias: bias && single[2] });
          expect(relative(torch.narrow(ours, 0, rows - 1, 1), alone)).toBeLessThan(5e-7);
        }
      }),
    );
  },
);

test("a product whose width is not a multiple of the vector size, or with views, equals float64's", () => {
  torch.noGrad(() =>
    torch.scope(() => {
      const { x, w } = leaves({ x: [3, 21], w: [21, 40] });
      const [narrow, turned] = mapTuple([x, w], (t) => torch.toDType(torch.detach(t), "float32"));
      const ours = torch.fastLinear(narrow, torch.transpose(turned, 0, 1));
      expect(relative(torch.toDType(ours, "float64"), torch.matmul(x, w))).toBeLessThan(5e-7);
      const odd = torch.fastLinear(narrow, torch.contiguous(torch.transpose(turned, 0, 1)));
      expect(relative(torch.toDType(odd, "float64"), torch.matmul(x, w))).toBeLessThan(5e-7);
    }),
  );
});

test("a product of one row refuses a bias of another dtype", () => {
  torch.scope(() => {
    const [x, w] = [torch.ones([1, 16], { device: "cpu" }), torch.ones([3, 16], { device: "cpu" })];
    expect(() =>
      torch.fastLinear(x, w, { bias: torch.ones([3], { dtype: "float64", device: "cpu" }) }),
    ).toThrow("bias Double[3]");
    expect([...torch.fastLinear(x, w, { bias: torch.ones([3], { device: "cpu" }) }).toFloats()]).toEqual([
      17, 17, 17,
    ]);
  });
});

test("gradient recording is on again after noGrad, even if its body throws", () => {
  expect(torch.isGradEnabled()).toBe(true);
  expect(torch.noGrad(() => torch.noGrad(() => torch.isGradEnabled()))).toBe(false);
  const fail = () => {
    throw new Error("within");
  };
  expect(() => torch.noGrad(fail)).toThrow("within");
  expect(torch.isGradEnabled()).toBe(true);
});
