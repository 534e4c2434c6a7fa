import { expect, test } from "vitest";
import { Linear } from "../../nn/index.ts";
import { checkTensorLeaks } from "../../testing/tensor-leak-check.ts";
import * as torch from "../../torch/index.ts";
import { elementAt, mapTuple } from "../../util/elements.ts";
import { frobenius } from "../scalora/testing/random-bank.ts";
import { FrozenDeltaBase, truncateToRank } from "./frozen-delta-base.ts";

const made = checkTensorLeaks();

const generatorOf = (seed: number) => {
  const generator = new torch.Generator(seed, "cpu");
  made.push(generator);
  return generator;
};

/** Three frozen layers `[m, n]` with a store. */
function store(m: number, n: number, rank: number, dtype: torch.DType = "float32") {
  const generator = generatorOf(1);
  const layers = [0, 1, 2].map((i) => ({
    path: `layers.${i}`,
    linear: new Linear(
      torch.scope(() => torch.toDType(torch.randn([m, n], { generator, device: "cpu" }), dtype)).keep(),
    ),
  }));
  const base = new FrozenDeltaBase(layers, rank);
  made.push(...layers.map(({ linear }) => linear), base);
  return { base, layers };
}

const dense = (left: torch.Tensor, right: torch.Tensor) =>
  torch.matmul(torch.toDType(left, "float64"), torch.transpose(torch.toDType(right, "float64"), 1, 2));

test.each([
  [20, 14, 9, 5],
  [6, 14, 9, 5],
  [14, 20, 3, 2],
])("of products [%i, %i] of %i columns the best ones of rank %i are kept", (m, n, columns, rank) => {
  const generator = generatorOf(2);
  torch.scope(() => {
    const left = torch.randn([3, m, columns], { generator, device: "cpu" });
    const right = torch.randn([3, n, columns], { generator, device: "cpu" });
    torch.mulScalar_(torch.select(left, 0, 1), 1e-6);
    const best = truncateToRank(left, right, rank);
    const [U, sigma, Vt] = torch.linalgSvd(dense(left, right), { fullMatrices: false });
    const leading = torch.mul(
      torch.narrow(U, 2, 0, rank),
      torch.unsqueeze(torch.narrow(sigma, 1, 0, rank), 1),
    );
    const expected = torch.matmul(leading, torch.narrow(Vt, 1, 0, rank));
    for (const layer of [0, 1, 2]) {
      const own = torch.select(dense(best.left, best.right), 0, layer);
      expect(frobenius(own, torch.select(expected, 0, layer))).toBeLessThan(2e-6);
      const squares = torch.square(torch.select(sigma, 0, layer)).toFloats();
      const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
      expect(elementAt(best.cut, layer) / (sum(squares.subarray(rank)) / sum(squares))).toBeCloseTo(1, 5);
    }
    expect(best.left.shape).toEqual([3, m, rank]);
  });
});

test("columns that say nothing new take no room, and a layer without a change stays without", () => {
  const generator = generatorOf(3);
  torch.scope(() => {
    const [left, right] = [
      torch.randn([2, 8, 2], { generator, device: "cpu" }),
      torch.randn([2, 7, 2], { generator, device: "cpu" }),
    ];
    torch.zero_(torch.select(left, 0, 1));
    const again = truncateToRank(
      torch.cat([left, left], { dim: 2 }),
      torch.cat([right, right], { dim: 2 }),
      5,
    );
    expect(again.left.shape).toEqual([2, 8, 2]);
    expect(again.cut[1]).toBe(0);
    expect(again.cut[0]).toBeLessThan(1e-12);
    const doubled = torch.mulScalar(dense(left, right), 2);
    const own = dense(again.left, again.right);
    expect(frobenius(torch.select(own, 0, 0), torch.select(doubled, 0, 0))).toBeLessThan(1e-6);
    expect(torch.max(torch.abs(torch.select(own, 0, 1))).item()).toBe(0);
  });
});

test("merges are appended as they are until they are more than R; the base stays frozen", () => {
  const { base, layers } = store(9, 7, 4, "bfloat16");
  const before = elementAt(layers, 0).linear.denseWeight().data();
  const generator = generatorOf(4);
  torch.scope(() => {
    const merges = [0, 1, 2].map(() => ({
      left: torch.randn([3, 9, 2], { generator, device: "cpu" }),
      right: torch.randn([3, 7, 2], { generator, device: "cpu" }),
    }));
    const join = (side: "left" | "right", count: number) =>
      torch.cat(
        merges.slice(0, count).map((merge) => merge[side]),
        { dim: 2 },
      );
    expect(base.frozenDelta(0)).toBeUndefined();
    for (const [index, { left, right }] of merges.slice(0, 2).entries()) {
      expect(base.isLossy(2)).toBe(false);
      expect(base.merge(left, right)).toEqual([0, 0, 0]);
      const { P, Q } = base.frozenDelta(2) ?? expect.fail("nothing beside the weight");
      expect(P.toFloats()).toEqual(torch.select(join("left", index + 1), 0, 2).toFloats());
      expect(Q.toFloats()).toEqual(torch.select(join("right", index + 1), 0, 2).toFloats());
    }
    expect(base.isLossy(2)).toBe(true);
    const { left, right } = elementAt(merges, 2);
    const lost = base.merge(left, right);
    const whole = dense(join("left", 3), join("right", 3));
    for (const layer of [0, 1, 2]) {
      const weight = torch.toDType(elementAt(layers, layer).linear.denseWeight(), "float64");
      const change = torch.sub(base.weight(layer), weight);
      expect(frobenius(change, torch.select(whole, 0, layer)) ** 2 / elementAt(lost, layer)).toBeCloseTo(
        1,
        4,
      );
      expect(lost[layer]).toBeGreaterThan(1e-3);
    }
  });
  expect(elementAt(layers, 0)?.linear.denseWeight().data()).toEqual(before);
});

test("a rank beyond the layers' sides is that of the smaller one, and then nothing is ever lost", () => {
  const { base } = store(5, 9, 64);
  const generator = generatorOf(5);
  torch.scope(() => {
    const before = base.weight(1);
    const whole = torch.zeros([3, 5, 9], { dtype: "float64", device: "cpu" });
    for (let merge = 0; merge < 20; merge++) {
      const [left, right] = [
        torch.randn([3, 5, 2], { generator, device: "cpu" }),
        torch.randn([3, 9, 2], { generator, device: "cpu" }),
      ];
      torch.add_(whole, dense(left, right));
      expect(base.isLossy(2)).toBe(false);
      expect(Math.max(...base.merge(left, right))).toBe(0);
    }
    expect(frobenius(torch.sub(base.weight(1), before), torch.select(whole, 0, 1))).toBeLessThan(1e-6);
    expect(base.state().get("base.P")?.shape).toEqual([3, 5, 5]);
  });
});

test("a restored store goes on where it was, whatever it held", () => {
  const [{ base }, { base: other }] = [store(9, 7, 4), store(9, 7, 4)];
  const generator = generatorOf(6);
  torch.scope(() => {
    const [first, second, third] = mapTuple([0, 1, 2], (): [torch.Tensor, torch.Tensor] => [
      torch.randn([3, 9, 2], { generator, device: "cpu" }),
      torch.randn([3, 7, 2], { generator, device: "cpu" }),
    ]);
    base.merge(...first);
    for (const pair of [third, second]) other.merge(...pair);
    const saved = base.state();
    torch.noGrad(() => {
      for (const [name, tensor] of other.state()) torch.copy_(tensor, saved.get(name) ?? expect.fail(name));
    });
    other.restored();
    for (const one of [base, other]) {
      expect(one.frozenDelta(0)?.P.shape).toEqual([9, 2]);
      one.merge(...second);
      one.merge(...third);
    }
    expect(other.weight(1).toFloats()).toEqual(base.weight(1).toFloats());
  });
});
