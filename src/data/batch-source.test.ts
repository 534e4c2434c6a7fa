import { expect, test, vi } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { elementAt } from "../util/elements.ts";
import { BatchSource, type BatchSourceOptions, batchesInOrder } from "./batch-source.ts";
import { collate } from "./collate.ts";
import { packRows } from "./packing.ts";
import { RowSampler } from "./row-sampler.ts";
import { randomExamples, randomLengths } from "./testing/examples.ts";
import type { Batch, Example } from "./types.ts";

const examples = randomExamples(randomLengths(101, 60));
const other = randomExamples(randomLengths(10, 60, 2), { seed: 2, name: "g" });
const take = (source: BatchSource, count: number) => Array.from({ length: count }, () => source.next());
const sourcesOf = (batches: readonly Batch[]) => batches.flatMap(({ sources }) => sources);
const names = (list: readonly Example[]) => list.map(({ source }) => source).toSorted();

test("a packed batch has the labels of its sequences alone, shifted to their places", () => {
  const picked = examples.slice(0, 9);
  const batch = collate(picked);
  expect(batch.offsets).toHaveLength(10);
  expect(batch.offsets.at(-1)).toBe(batch.tokens.length);
  const alone = picked.map((example) => collate([example]));
  expect([...batch.tokens]).toEqual(alone.flatMap(({ tokens }) => [...tokens]));
  expect([...batch.labelTargets]).toEqual(alone.flatMap(({ labelTargets }) => [...labelTargets]));
  expect([...batch.labelPositions]).toEqual(
    alone.flatMap(({ labelPositions }, i) =>
      [...labelPositions].map((row) => row + elementAt(batch.offsets, i)),
    ),
  );
  for (const [k, row] of batch.labelPositions.entries()) {
    expect(batch.labelTargets[k]).toBe(batch.tokens[row + 1]);
    expect(batch.offsets).not.toContain(row + 1);
  }
});

test("a batch without a label is an error that names its rows", () => {
  const silent = { ids: new Int32Array(3), isLabel: new Uint8Array(3), source: "f:7" };
  expect(() => collate([silent])).toThrow(refusal("data", { where: "f:7" }));
});

test.each<[string, Partial<BatchSourceOptions>]>([
  ["rows", { batchSize: 8 }],
  ["tokens", { batchTokens: 128 }],
])("by %s: every epoch has each row once, in another order each time, the same for one seed", (_, size) => {
  const source = new BatchSource([examples, other], { seed: 3, ...size });
  const again = new BatchSource([examples, other], { seed: 3, ...size });
  const epochs = [0, 1, 2].map(() => {
    const batches: Batch[] = [];
    for (const { epoch } = source; source.epoch === epoch; ) batches.push(source.next());
    expect(take(again, batches.length)).toEqual(batches);
    return batches;
  });
  for (const batches of epochs) expect(sourcesOf(batches).toSorted()).toEqual(names([...examples, ...other]));
  expect(sourcesOf(elementAt(epochs, 0))).not.toEqual(sourcesOf(elementAt(epochs, 1)));
  const counts = epochs.map(({ length }) => length);
  expect(source.countBatches(3)).toBe(elementAt(counts, 0) + elementAt(counts, 1) + elementAt(counts, 2));
  expect(source.countBatches(1.5)).toBe(elementAt(counts, 0) + Math.ceil(elementAt(counts, 1) / 2));
  const otherSeed = new BatchSource([examples, other], { seed: 4, ...size });
  expect(sourcesOf(take(otherSeed, 5))).not.toEqual(sourcesOf(elementAt(epochs, 0).slice(0, 5)));
});

test("a token budget is kept and nearly filled, and rows are never cut", () => {
  const many = randomExamples(randomLengths(3000, 100));
  const source = new BatchSource([many], { seed: 0, batchTokens: 512 });
  const batches = take(source, source.countBatches(1));
  const sizes = batches.map(({ tokens }) => tokens.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(512);
  const total = many.reduce((sum, { ids }) => sum + ids.length, 0);
  expect(total / (512 * batches.length)).toBeGreaterThan(0.97);
  expect(packRows([0, 1, 2, 3, 4], (row) => elementAt([5, 7, 3, 2, 3], row), 10)).toEqual([
    [1, 2],
    [0, 4, 3],
  ]);
});

test.each<Partial<BatchSourceOptions>>([
  { batchSize: 8 },
  { batchTokens: 128 },
  { batchSize: 3, weights: [1, 0.7] },
])("the largest of the first batches is known beforehand: %j", (size) => {
  const make = () => new BatchSource([examples, other], { seed: 3, ...size });
  for (const count of [1, 5, 60]) {
    const largest = Math.max(...take(make(), count).map(({ tokens }) => tokens.length));
    expect(make().largestBatchTokens(count)).toBe(largest);
  }
});

test("an epoch is planned once, and one of very many rows is not planned for the largest batch", () => {
  using plans = vi.spyOn(RowSampler.prototype, "sampleEpoch");
  const source = new BatchSource([examples], { seed: 3, batchTokens: 128 });
  source.countBatches(1);
  source.largestBatchTokens(2);
  source.next();
  expect(plans).toHaveBeenCalledTimes(1);
  const many = Array.from({ length: 60_000 }, () => elementAt(examples, 0));
  const large = new BatchSource([many], { seed: 3, batchSize: 1000 });
  plans.mockClear();
  expect(large.largestBatchTokens(1000)).toBe(1000 * elementAt(examples, 0).ids.length);
  expect(plans).toHaveBeenCalledTimes(2);
});

test("weights: shares are exact, and a source's rows all come before one comes again", () => {
  const source = new BatchSource([examples, other], { seed: 1, batchSize: 4, weights: [1, 3] });
  const drawn = sourcesOf(take(source, 40));
  const fromOther = drawn.filter((name) => name.startsWith("g"));
  expect(Math.abs(fromOther.length - 0.75 * drawn.length)).toBeLessThan(1);
  for (let pass = 0; pass < 11; pass++)
    expect(fromOther.slice(pass * 10, pass * 10 + 10).toSorted()).toEqual(names(other));
});

test.each<[string, Partial<BatchSourceOptions>]>([
  ["rows", { batchSize: 8 }],
  ["tokens", { batchTokens: 128 }],
  ["weighted rows", { batchSize: 3, weights: [1, 0.7] }],
  ["weighted tokens", { batchTokens: 100, weights: [1, 0.7] }],
])("%s: a resumed source, and one resumed again, goes on as if never stopped", (_, size) => {
  const make = () => new BatchSource([examples, other], { seed: 5, ...size });
  const whole = take(make(), 150);
  for (const [first, second] of [
    [0, 1],
    [7, 30],
    [14, 100],
    [1, 149],
  ] as const) {
    let source = make();
    const parts = [];
    for (const count of [first, second - first, 150 - second]) {
      parts.push(...take(source, count));
      const state: unknown = JSON.parse(JSON.stringify(source.state()));
      expect(state).toEqual(source.state());
      const resumed = make();
      resumed.restore(source.state());
      source = resumed;
    }
    expect(parts).toEqual(whole);
  }
});

test("a state of other data, seed, size or weights is refused", () => {
  const { state } = { state: new BatchSource([examples], { seed: 1, batchSize: 4 }).state() };
  const others: [Example[][], BatchSourceOptions][] = [
    [[examples.slice(1)], { seed: 1, batchSize: 4 }],
    [[examples], { seed: 2, batchSize: 4 }],
    [[examples], { seed: 1, batchSize: 5 }],
    [[examples], { seed: 1, batchTokens: 400 }],
    [[examples], { seed: 1, batchSize: 4, weights: [1] }],
  ];
  for (const [data, options] of others)
    expect(() => new BatchSource(data, options).restore(state)).toThrow(
      refusal("data", { expected: state.fingerprint, found: /^[0-9a-f]{64}-[0-9a-f]{12}$/ }),
    );
});

test("impossible batches are refused, a large row by name", () => {
  const make = (options: Partial<BatchSourceOptions>) =>
    new BatchSource([examples, other], { seed: 1, ...options });
  const measure = refusal("config", { expected: "train.batchSize and train.batchTokens" });
  expect(() => make({})).toThrow(measure);
  expect(() => make({ batchSize: 1, batchTokens: 1 })).toThrow(measure);
  expect(() => make({ batchSize: 0 })).toThrow(refusal("config", { found: /^0$/ }));
  expect(() => make({ batchSize: 1, weights: [1] })).toThrow(
    refusal("config", { expected: "2 numbers above 0", found: "[1]" }),
  );
  expect(() => make({ batchSize: 1, weights: [1, -1] })).toThrow(
    refusal("config", { expected: "2 numbers above 0", found: "[1,-1]" }),
  );
  expect(() => new BatchSource([[]], { seed: 1, batchSize: 1 })).toThrow(refusal("data"));
  const large = randomExamples([5, 200, 300]);
  expect(() => new BatchSource([large], { seed: 1, batchTokens: 150 })).toThrow(
    refusal("data", { where: "f:2", expected: "train.batchTokens = 150", found: /^200 tokens.* 1 more/ }),
  );
});

test("evaluation batches keep the order", () => {
  const bySize = batchesInOrder(examples, { batchSize: 10 });
  const byTokens = batchesInOrder(examples, { batchTokens: 100 });
  for (const batches of [bySize, byTokens])
    expect(sourcesOf(batches)).toEqual(examples.map(({ source }) => source));
  expect(bySize).toHaveLength(11);
  expect(Math.max(...byTokens.map(({ tokens }) => tokens.length))).toBeLessThanOrEqual(100);
});
