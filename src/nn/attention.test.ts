import { expect, test } from "vitest";
import * as torch from "../torch/index.js";
import {
  bidirectionalAttention,
  cachedAttention,
  causalAttention,
  type Heads,
  segments,
} from "./attention.js";
import { dropout } from "./dropout.js";

const [width, scale] = [4, 0.6];

/** Random heads of `rows` tokens, the same numbers in every dtype. */
function randomHeads(rows: number, heads: number, groups: number, dtype: "float64" | "float32"): Heads {
  using generator = new torch.Generator(rows);
  const draw = (count: number) => torch.toDType(torch.randn([rows, count, width], generator), dtype);
  return { queries: draw(heads), keys: draw(groups), values: draw(groups) };
}

/** Attention by its definition, in plain loops. [rows · heads · width] */
function reference({ queries, keys, values }: Heads, offsets: readonly number[], causal = true): number[] {
  const [rows, heads] = queries.shape;
  const groups = keys.shape[1];
  const [q, k, v] = [queries, keys, values].map((x) => x.toFloats());
  return Array.from({ length: rows }, (_, row) => row).flatMap((row) => {
    const start = Math.max(...offsets.filter((offset) => offset <= row));
    return Array.from({ length: heads }, (_, head) => {
      const group = Math.floor((head * groups) / heads);
      const end = causal ? row : Math.min(...offsets.filter((offset) => offset > row)) - 1;
      const seen = Array.from({ length: end - start + 1 }, (_, i) => (start + i) * groups + group);
      const dot = (at: number) =>
        Array.from({ length: width }, (_, d) => q[(row * heads + head) * width + d] * k[at * width + d]);
      const weights = seen.map((at) => Math.exp(scale * dot(at).reduce((a, b) => a + b)));
      const total = weights.reduce((a, b) => a + b);
      return Array.from(
        { length: width },
        (_, d) => seen.reduce((sum, at, i) => sum + weights[i] * v[at * width + d], 0) / total,
      );
    }).flat();
  });
}

const worst = (actual: torch.Tensor, expected: readonly number[]) =>
  Math.max(...[...actual.toFloats()].map((x, i) => Math.abs(x - expected[i])));

// float64 takes libtorch's kernels everywhere; float32 takes our own on processors that have what it needs.
test.each([
  ["float64", 1e-13],
  ["float32", 2e-6],
] as const)("attention is causal and stays within each sequence (%s)", (dtype, tolerance) => {
  torch.scope(() => {
    for (const [heads, groups] of [
      [2, 2],
      [4, 2],
    ])
      for (const offsets of [
        [0, 7],
        [0, 3, 4, 9],
        [0, 4, 8, 12],
      ]) {
        const given = randomHeads(offsets.at(-1) ?? 0, heads, groups, dtype);
        const result = causalAttention(given, offsets, scale);
        expect(result.shape).toEqual([offsets.at(-1), heads * width]);
        expect(worst(result, reference(given, offsets)), offsets.join()).toBeLessThan(tolerance);
      }
  });
});

test.each([1, 3, 8])("the last %d of 8 tokens after a cache attend as in the whole sequence", (added) => {
  torch.scope(() => {
    const { queries, keys, values } = randomHeads(8, 4, 2, "float64");
    const whole = reference({ queries, keys, values }, [0, 8]);
    const last = { queries: torch.narrow(queries, 0, 8 - added, added), keys, values };
    expect(worst(cachedAttention(last, scale), whole.slice(-added * 4 * width))).toBeLessThan(1e-13);
  });
});

test("without a mask attention sees the whole of its sequence and nothing else", () => {
  const none = { rate: 0.5, generator: undefined };
  torch.scope(() => {
    for (const offsets of [
      [0, 7],
      [0, 4, 8, 9],
      [0, 1, 4, 9, 14],
    ]) {
      const given = randomHeads(offsets.at(-1) ?? 0, 2, 2, "float64");
      const result = bidirectionalAttention(given, offsets, scale, none);
      expect(result.shape).toEqual([offsets.at(-1), 2 * width]);
      expect(worst(result, reference(given, offsets, false)), offsets.join()).toBeLessThan(1e-13);
    }
  });
  expect(segments([0, 4, 8, 9])).toEqual([
    { start: 0, count: 2, length: 4 },
    { start: 8, count: 1, length: 1 },
  ]);
});

test("dropout of attention is that of its probabilities; a bias is added to the scores", () => {
  torch.scope(() => {
    const { queries, keys, values } = randomHeads(6, 2, 2, "float64");
    const [q, k, v] = [queries, keys, values].map((x) => torch.unsqueeze(torch.transpose(x, 0, 1), 0));
    using noise = new torch.Generator(2);
    const bias = torch.randn([1, 2, 6, 6], noise, "float64");
    const scores = torch.add(torch.mulScalar(torch.matmul(q, torch.transpose(k, 2, 3)), scale), bias);
    const weights = torch.softmax(scores, 3);
    const flat = (x: torch.Tensor) => [...torch.reshape(torch.transpose(x, 1, 2), [6, 2 * width]).toFloats()];
    for (const rate of [0, 0.4]) {
      using own = new torch.Generator(9);
      using same = new torch.Generator(9);
      const expected = torch.matmul(dropout(weights, rate, own), v);
      const drop = { rate, generator: same };
      const result = bidirectionalAttention({ queries, keys, values }, [0, 6], scale, drop, () => bias);
      expect(worst(result, flat(expected))).toBeLessThan(1e-13);
    }
  });
});
