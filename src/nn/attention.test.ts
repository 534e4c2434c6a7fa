import { expect, test } from "vitest";
import * as torch from "../torch/index.js";
import { cachedAttention, causalAttention, type Heads } from "./attention.js";

const [width, scale] = [4, 0.6];

/** Random heads of `rows` tokens, the same numbers in every dtype. */
function randomHeads(rows: number, heads: number, groups: number, dtype: "float64" | "float32"): Heads {
  using generator = new torch.Generator(rows);
  const draw = (count: number) => torch.toDType(torch.randn([rows, count, width], generator), dtype);
  return { queries: draw(heads), keys: draw(groups), values: draw(groups) };
}

/** Attention by its definition, in plain loops. [rows · heads · width] */
function reference({ queries, keys, values }: Heads, offsets: readonly number[]): number[] {
  const [rows, heads] = queries.shape;
  const groups = keys.shape[1];
  const [q, k, v] = [queries, keys, values].map((x) => x.toFloats());
  return Array.from({ length: rows }, (_, row) => row).flatMap((row) => {
    const start = Math.max(...offsets.filter((offset) => offset <= row));
    return Array.from({ length: heads }, (_, head) => {
      const group = Math.floor((head * groups) / heads);
      const seen = Array.from({ length: row - start + 1 }, (_, i) => (start + i) * groups + group);
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
        const result = causalAttention(given, offsets, { scale });
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
    expect(worst(cachedAttention(last, { scale }), whole.slice(-added * 4 * width))).toBeLessThan(1e-13);
  });
});
