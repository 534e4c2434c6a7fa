import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { elementAt } from "../util/elements.ts";
import { hashExamples } from "./hash-examples.ts";
import { holdOut } from "./hold-out.ts";
import { loadDataset } from "./load-dataset.ts";
import { randomExamples, randomLengths } from "./testing/examples.ts";
import { jsonl } from "./testing/files.ts";
import { WordTokenizer } from "./testing/word-tokenizer.ts";
import type { Example } from "./types.ts";

const examples = randomExamples(randomLengths(200, 30));
const more = randomExamples(randomLengths(40, 30, 9), { seed: 9, name: "g" });
const names = (list: readonly Example[]) => list.map(({ source }) => source);

test.each([
  [0.1, 24],
  [7, 7],
  [0.0001, 1],
])(
  "holding out %d keeps %d examples aside, the same for one seed, disjoint from the rest",
  (amount, count) => {
    const { train, heldOut } = holdOut([examples, more], { amount, seed: 1 });
    expect(heldOut).toHaveLength(count);
    expect([...names(train.flat()), ...names(heldOut)].toSorted()).toEqual(
      names([...examples, ...more]).toSorted(),
    );
    expect(train).toHaveLength(2);
    expect(holdOut([examples, more], { amount, seed: 1 }).heldOut).toEqual(heldOut);
    expect(holdOut([examples, more], { amount, seed: 2 }).heldOut).not.toEqual(heldOut);
  },
);

test("equal sequences, and the turns of one chat, are never on both sides", () => {
  const copies = examples.map((example) => ({ ...example, source: `copy of ${example.source}` }));
  const turns = more.map((example, i) => ({ ...example, source: `chat:${i >> 2}` }));
  const { train, heldOut } = holdOut([examples, copies, turns], { amount: 0.3, seed: 1 });
  const heldIds = new Set(heldOut.map(({ ids }) => ids.join()));
  const heldSources = new Set(names(heldOut));
  for (const { ids, source } of train.flat()) {
    expect(heldIds.has(ids.join())).toBe(false);
    expect(heldSources.has(source)).toBe(false);
  }
  expect(heldOut.length).toBeGreaterThan(120);
});

test("amounts that leave one side empty are refused", () => {
  for (const amount of [0, -1, 1.5, 200, 500, Number.NaN])
    expect(() => holdOut([examples], { amount, seed: 1 })).toThrow(
      refusal("config", { expected: "200 rows", found: String(amount) }),
    );
});

test("rows in groups larger than what is to be held out: the error says so", () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({
    ...(examples[i < 10 ? 0 : 1] ?? expect.fail()),
    source: `x:${i}`,
  }));
  const holding = (amount: number) => () => holdOut([rows], { amount, seed: 1 });
  expect(holding(0.1)).toThrow(
    refusal("config", {
      where: "data.eval.holdOut",
      expected: "at least 10 rows",
      found: "0.1, 3 rows, and 2 groups of 10 rows or more",
    }),
  );
  expect(holding(9)).toThrow(refusal("config", { found: /^9, and 2 groups/ }));
  expect(holding(10)().heldOut).toHaveLength(10);
});

test("rows that are all equal cannot be divided: the error says so, and what to do", () => {
  const [first] = examples;
  const equal = Array.from({ length: 30 }, (_, i) => ({ ...(first ?? expect.fail()), source: `x:${i}` }));
  expect(() => holdOut([equal], { amount: 0.05, seed: 1 })).toThrow(
    refusal("config", {
      where: /^data\.eval$/,
      found: "30 rows with equal tokens, as this model's tokenizer makes them",
      fix: /no tokens for.*data\.eval: none/,
    }),
  );
  const turns = examples.slice(0, 3).map((turn) => ({ ...turn, source: "x:1" }));
  expect(() => holdOut([turns], { amount: 1, seed: 1 })).toThrow(
    refusal("config", { found: "3 sequences of one row" }),
  );
});

test("a dataset: files, weights, held-out rows and content hashes", async () => {
  const a = jsonl(...Array.from({ length: 20 }, (_, i) => ({ text: `row ${i} of a` })));
  const b = jsonl(...Array.from({ length: 5 }, (_, i) => ({ prompt: `row ${i}`, completion: " of b" })));
  const tokenizer = () => new WordTokenizer();
  const limits = { maxLength: 64, seed: 1 };
  const train = [{ path: a }, { path: b, weight: 2 }];
  const split = await loadDataset({ train, eval: { holdOut: 5 } }, tokenizer(), limits);
  expect(split.weights).toEqual([1, 2]);
  expect(split.train.flat()).toHaveLength(20);
  expect(split.eval).toHaveLength(5);
  expect(split.report.train.files.map(({ format }) => format)).toEqual(["text", "prompt-completion"]);
  const given = await loadDataset({ train: a, eval: b, maxLength: 8 }, tokenizer(), limits);
  expect(given.weights).toBeUndefined();
  expect(names(given.eval)[0]).toBe(`${b}:1`);
  expect(given.report.eval?.rows).toBe(5);
  const none = await loadDataset({ train: a, eval: "none" }, tokenizer(), limits);
  expect(none.eval).toEqual([]);
  expect(none.hashes.train).toBe(given.hashes.train);
  expect(none.hashes.train).not.toBe(split.hashes.train);
});

test("the content hash sees every token, every mark and the order, and not the place of the files", () => {
  const [, ...rest] = examples;
  const first = elementAt(examples, 0);
  const base = hashExamples([examples]);
  expect(hashExamples([examples.map((example) => ({ ...example, source: "elsewhere" }))])).toBe(base);
  const token = { ...first, ids: first.ids.with(0, elementAt(first.ids, 0) + 1) };
  const mark = { ...first, isLabel: first.isLabel.with(0, 1) };
  for (const changed of [
    [token, ...rest],
    [mark, ...rest],
    [...rest, first],
  ])
    expect(hashExamples([changed])).not.toBe(base);
  expect(hashExamples([examples, []])).not.toBe(base);
});
