import { expect, test } from "vitest";
import * as torch from "../torch/index.ts";
import { elementAt, mapTuple } from "../util/elements.ts";
import {
  bidirectionalAttention,
  causalAttention,
  decodeStepAttention,
  groupByLength,
  isDecodeStep,
  streamAttention,
} from "./attention.ts";
import { sequenceOffsets } from "./causal-lm.ts";
import { dropout } from "./dropout.ts";
import { KeyValueCache } from "./kv-cache.ts";
import type { AttentionOptions, QueryKeyValue } from "./query-key-value.ts";

const [width, scale] = [4, 0.6];

/** Random heads of `rows` tokens, the same numbers in every dtype. */
function randomHeads(
  rows: number,
  heads: number,
  groups: number,
  dtype: "float64" | "float32",
): QueryKeyValue {
  using generator = new torch.Generator(rows, "cpu");
  const draw = (count: number) =>
    torch.toDType(torch.randn([rows, count, width], { generator, device: "cpu" }), dtype);
  return { queries: draw(heads), keys: draw(groups), values: draw(groups) };
}

/** Attention by its definition, in plain loops. [rows · heads · width] */
function reference(
  { queries, keys, values }: QueryKeyValue,
  offsets: readonly number[],
  rule: AttentionOptions,
  causal = true,
): number[] {
  const [rows, heads] = queries.sizes(3);
  const groups = keys.size(1);
  const [q, k, v] = mapTuple([queries, keys, values], (x) => x.toFloats());
  const cap = (score: number) =>
    rule.softCap === undefined ? score : rule.softCap * Math.tanh(score / rule.softCap);
  return Array.from({ length: rows }, (_, row) => row).flatMap((row) => {
    const start = Math.max(
      ...offsets.filter((offset) => offset <= row),
      row + 1 - (rule.slidingWindow ?? rows),
    );
    return Array.from({ length: heads }, (_, head) => {
      const group = Math.floor((head * groups) / heads);
      const end = causal ? row : Math.min(...offsets.filter((offset) => offset > row)) - 1;
      const seen = Array.from({ length: end - start + 1 }, (_, i) => (start + i) * groups + group);
      const dot = (at: number) =>
        Array.from(
          { length: width },
          (_, d) => elementAt(q, (row * heads + head) * width + d) * elementAt(k, at * width + d),
        );
      const weights = seen.map((at) => Math.exp(cap(rule.scale * dot(at).reduce((a, b) => a + b))));
      const total = weights.reduce((a, b) => a + b);
      return Array.from(
        { length: width },
        (_, d) =>
          seen.reduce((sum, at, i) => sum + elementAt(weights, i) * elementAt(v, at * width + d), 0) / total,
      );
    }).flat();
  });
}

const worst = (actual: torch.Tensor, expected: readonly number[]) =>
  Math.max(...[...actual.toFloats()].map((x, i) => Math.abs(x - elementAt(expected, i))));

const offsetsOf = [
  [0, 7],
  [0, 3, 4, 9],
  [0, 4, 8, 12],
];

const rules: AttentionOptions[] = [
  { scale },
  { scale, slidingWindow: 1 },
  { scale, slidingWindow: 3 },
  { scale, softCap: 0.8 },
  { scale, slidingWindow: 3, softCap: 0.8 },
];

// float64 takes libtorch's kernels everywhere; float32 takes our own on processors that have what it needs.
test.each([
  ["float64", 1e-13],
  ["float32", 2e-6],
] as const)("attention is causal and stays within each sequence (%s)", (dtype, tolerance) => {
  torch.scope(() => {
    for (const [heads, groups] of [
      [2, 2],
      [4, 2],
    ] as const)
      for (const offsets of offsetsOf) {
        const given = randomHeads(offsets.at(-1) ?? 0, heads, groups, dtype);
        const result = causalAttention(given, offsets, { scale });
        expect(result.shape).toEqual([offsets.at(-1), heads * width]);
        expect(worst(result, reference(given, offsets, { scale })), offsets.join()).toBeLessThan(tolerance);
      }
  });
});

test.each([
  ["float64", 1e-13],
  ["float32", 2e-6],
] as const)("windows and soft caps are what their definitions say (%s)", (dtype, tolerance) => {
  torch.scope(() => {
    for (const rule of rules)
      for (const offsets of offsetsOf) {
        const given = randomHeads(offsets.at(-1) ?? 0, 4, 2, dtype);
        const result = causalAttention(given, offsets, rule);
        const where = `${JSON.stringify(rule)}, ${offsets.join()}`;
        expect(worst(result, reference(given, offsets, rule)), where).toBeLessThan(tolerance);
      }
  });
});

// Our own kernel works in blocks of 16, 32 or 64 tokens: windows that end within blocks, at their edges, and beyond all.
const blockWindows = [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 199, 200, 500];

test.each([
  ...blockWindows.map((window): [number, number | undefined] => [window, undefined]),
  [65, 0.8],
  [500, 0.8],
])(
  "a window of %d tokens and a soft cap of %s over blocks give the outputs and gradients of the definition",
  (window, softCap) => {
    torch.scope(() => {
      for (const length of [16, 30, 64, 200]) {
        const offsets = [0, length, length + 5];
        const run = (dtype: "float64" | "float32") => {
          const heads = randomHeads(length + 5, 2, 1, dtype);
          const inputs = [heads.queries, heads.keys, heads.values];
          for (const input of inputs) input.setRequiresGrad(true);
          const result = causalAttention(heads, offsets, { scale, slidingWindow: window, softCap });
          const gradients = torch.grad([torch.sum(torch.square(result))], inputs);
          return [result, ...gradients].map((x) => [...(x?.toFloats() ?? [])]);
        };
        const [own, exact] = [run("float32"), run("float64")];
        for (const [i, values] of own.entries()) {
          expect(values).toHaveLength(elementAt(exact, i).length);
          const error = Math.max(...values.map((x, j) => Math.abs(x - elementAt(elementAt(exact, i), j))));
          expect(error, `length ${length}, tensor ${i}`).toBeLessThan(1e-5);
        }
      }
    });
  },
);

test.each([1, 3, 8])("the last %d of 8 tokens after a cache attend as in the whole sequence", (added) => {
  torch.scope(() => {
    for (const rule of rules) {
      const given = randomHeads(8, 4, 2, "float64");
      const whole = reference(given, [0, 8], rule);
      using cache = new KeyValueCache(1);
      const feed = (from: number, count: number) => {
        const part = (x: torch.Tensor) => torch.narrow(x, 0, from, count);
        const heads = {
          queries: part(given.queries),
          keys: part(given.keys),
          values: part(given.values),
        };
        const result = streamAttention(heads, { offsets: [0, count], caches: [cache] }, 0, rule);
        cache.advance(count);
        return result;
      };
      if (added < 8) feed(0, 8 - added);
      const error = worst(feed(8 - added, added), whole.slice(-added * 4 * width));
      expect(error, JSON.stringify(rule)).toBeLessThan(1e-13);
    }
  });
});

/** One token a sequence is a kernel of our own in float32 without gradients, which rotates too: here by nothing. */
function attend(heads: QueryKeyValue, offsets: readonly number[], caches: readonly KeyValueCache[]) {
  if (!isDecodeStep({ offsets, caches }, { scale }, heads.queries))
    return streamAttention(heads, { offsets, caches }, 0, { scale });
  const table = (value: number) =>
    torch.full([caches.length, 1, width], value, { dtype: "float32", device: "cpu" });
  return decodeStepAttention(heads, { cos: table(1), signedSin: table(0) }, caches, 0, scale);
}

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
        const part = (name: keyof QueryKeyValue) =>
          torch.cat(
            present.map((i) =>
              torch.narrow(
                elementAt(sequences, i)[name],
                0,
                elementAt(caches, i).length,
                elementAt(added, i),
              ),
            ),
          );
        const heads = { queries: part("queries"), keys: part("keys"), values: part("values") };
        const offsets = sequenceOffsets(present.map((i) => elementAt(added, i)));
        const used = present.map((i) => elementAt(caches, i));
        const flat = torch.noGrad(() => attend(heads, offsets, used)).toFloats();
        for (const [k, i] of present.entries()) {
          elementAt(results, i).push(
            ...flat.slice(elementAt(offsets, k) * 4 * width, elementAt(offsets, k + 1) * 4 * width),
          );
          elementAt(caches, i).advance(elementAt(added, i));
        }
      }
      for (const [i, length] of lengths.entries()) {
        const expected = reference(elementAt(sequences, i), [0, length], { scale });
        expect(results[i]?.length).toBe(expected.length);
        expect(
          Math.max(...expected.map((x, at) => Math.abs(x - elementAt(elementAt(results, i), at)))),
        ).toBeLessThan(tolerance);
      }
      for (const cache of caches) cache.dispose();
    });
  },
);

test("without a mask attention sees the whole of its sequence and nothing else", () => {
  const none = { rate: 0.5, generator: undefined };
  torch.scope(() => {
    for (const offsets of [
      [0, 7],
      [0, 4, 8, 9],
      [0, 1, 4, 9, 14],
    ]) {
      const given = randomHeads(offsets.at(-1) ?? 0, 2, 2, "float64");
      const result = bidirectionalAttention(given, { offsets }, scale, none);
      expect(result.shape).toEqual([offsets.at(-1), 2 * width]);
      expect(worst(result, reference(given, offsets, { scale }, false)), offsets.join()).toBeLessThan(1e-13);
    }
  });
  expect(groupByLength([0, 4, 8, 9])).toEqual([
    { start: 0, count: 2, length: 4 },
    { start: 8, count: 1, length: 1 },
  ]);
});

test.skipIf(!torch.hasFusedAttention())(
  "our kernel drops the probabilities of every head of every sequence alike",
  () => {
    torch.scope(() => {
      const offsets = [0, 40, 90];
      const { queries, keys } = randomHeads(90, 2, 2, "float32");
      const values = torch.ones([90, 2, width], { dtype: "float32", device: "cpu" });
      using generator = new torch.Generator(3, "cpu");
      const drop = { rate: 0.25, generator };
      // Of values that are all 1, the output of a token is the sum of what is kept of its probabilities: 1 on average.
      const sums = [
        ...bidirectionalAttention({ queries, keys, values }, { offsets }, scale, drop).toFloats(),
      ];
      const mean = sums.reduce((sum, x) => sum + x, 0) / sums.length;
      expect(Math.abs(mean - 1)).toBeLessThan(0.05);
      expect(new Set(sums.map((x) => x.toFixed(5))).size).toBeGreaterThan(170);
    });
  },
);

test("dropout of attention is that of its probabilities; a bias is added to the scores", () => {
  torch.scope(() => {
    const { queries, keys, values } = randomHeads(6, 2, 2, "float64");
    const [q, k, v] = mapTuple([queries, keys, values], (x) => torch.unsqueeze(torch.transpose(x, 0, 1), 0));
    using noise = new torch.Generator(2, "cpu");
    const bias = torch.randn([1, 2, 6, 6], { generator: noise, dtype: "float64", device: "cpu" });
    const scores = torch.add(torch.mulScalar(torch.matmul(q, torch.transpose(k, 2, 3)), scale), bias);
    const weights = torch.softmax(scores, 3);
    const flat = (x: torch.Tensor) => [...torch.reshape(torch.transpose(x, 1, 2), [6, 2 * width]).toFloats()];
    for (const rate of [0, 0.4]) {
      using own = new torch.Generator(9, "cpu");
      using same = new torch.Generator(9, "cpu");
      const expected = torch.matmul(dropout(weights, rate, own), v);
      const drop = { rate, generator: same };
      const result = bidirectionalAttention(
        { queries, keys, values },
        { offsets: [0, 6] },
        scale,
        drop,
        () => bias,
      );
      expect(worst(result, flat(expected))).toBeLessThan(1e-13);
    }
  });
});
