import { expect, test } from "vitest";
import * as torch from "../torch/index.js";
import { causalAttention, type Heads, streamAttention } from "./attention.js";
import { sequenceOffsets } from "./causal-lm.js";
import { KeyValueCache } from "./kv-cache.js";

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
        const result = causalAttention(given, offsets, scale);
        expect(result.shape).toEqual([offsets.at(-1), heads * width]);
        expect(worst(result, reference(given, offsets)), offsets.join()).toBeLessThan(tolerance);
      }
  });
});

// One token a sequence is a kernel of our own in float32.
test.each([
  ["float64", 1e-13],
  ["float32", 2e-6],
] as const)(
  "sequences with caches of their own lengths attend each as in its whole sequence (%s)",
  (dtype, tolerance) => {
    torch.scope(() => {
      const lengths = [8, 5, 7, 3];
      const sequences = lengths.map((length) => randomHeads(length, 4, 2, dtype));
      const caches = lengths.map(() => new KeyValueCache(1));
      const results = lengths.map((): number[] => []);
      // Each row gives the new tokens of every sequence in one pass: all at once, several after some, one after another.
      for (const added of [
        [5, 1, 0, 1],
        [1, 1, 0, 1],
        [1, 2, 6, 0],
        [1, 1, 1, 1],
      ]) {
        const present = added.flatMap((count, i) => (count > 0 ? [i] : []));
        const part = (name: keyof Heads) =>
          torch.cat(present.map((i) => torch.narrow(sequences[i][name], 0, caches[i].length, added[i])));
        const heads = { queries: part("queries"), keys: part("keys"), values: part("values") };
        const offsets = sequenceOffsets(present.map((i) => added[i]));
        const used = present.map((i) => caches[i]);
        const flat = streamAttention(heads, { offsets, caches: used }, 0, scale).toFloats();
        for (const [k, i] of present.entries()) {
          results[i].push(...flat.slice(offsets[k] * 4 * width, offsets[k + 1] * 4 * width));
          caches[i].advance(added[i]);
        }
      }
      for (const [i, length] of lengths.entries()) {
        const expected = reference(sequences[i], [0, length]);
        expect(results[i].length).toBe(expected.length);
        expect(Math.max(...expected.map((x, at) => Math.abs(x - results[i][at])))).toBeLessThan(tolerance);
      }
      for (const cache of caches) cache.dispose();
    });
  },
);
