import { expect, test } from "vitest";
import { techniques } from "../techniques/techniques.ts";
import { countTokens, makeBatches } from "./batches.ts";
import { batchLengths, chooseRows, models, plan } from "./plan.ts";

const names = (words: string[]) => chooseRows(words).map(({ name }) => name);

test("the plan has each model in both precisions, with one and two threads, alone and beside a busy thread", () => {
  expect(plan.filter(({ kind }) => kind === "step")).toHaveLength(models.length * 2 * 2 * 2);
  expect(new Set(plan.map(({ name }) => name)).size).toBe(plan.length);
});

test("the plan has S and SmolLM2 without each technique; the GEMM backend makes a difference in float32 only", () => {
  expect(names(["techniques"])).toHaveLength(2 * (techniques.length + techniques.length - 1));
  expect(names(["techniques-S-bfloat16"])).toEqual(
    techniques.filter(({ name }) => name !== "gemm").map(({ name }) => `techniques-S-bfloat16-${name}`),
  );
});

test("rows are chosen by their names or by beginnings of names, and stay in the plan's order", () => {
  expect(names(["S-float32-1"])).toEqual(["S-float32-1"]);
  expect(names(["smollm2-bfloat16", "S-float32-2"])).toEqual([
    "S-float32-2",
    ...["smollm2-bfloat16-1", "smollm2-bfloat16-1-busy", "smollm2-bfloat16-2", "smollm2-bfloat16-2-busy"],
  ]);
  expect(names([])).toHaveLength(plan.length);
  expect(() => names(["minilm", "L"])).toThrow(/no row begins with L.*minilm-float32-1/s);
});

test.each(models)("$name has all rows of its batches, each with an answer", (model) => {
  const lengths = batchLengths(model);
  expect(lengths.map((rows) => rows.length)).toEqual(Array.from({ length: model.batches }, () => model.rows));
  for (const { tokens, prompt = 0 } of lengths.flat()) {
    expect(tokens).toBeLessThanOrEqual(model.longest);
    expect(prompt).toBeLessThan(tokens);
  }
});

test("batches are drawn from the vocabulary, the same each time, with a prompt or a class", () => {
  for (const model of models) {
    const batches = makeBatches(model, 1200);
    expect(batches).toEqual(makeBatches(model, 1200));
    const rows = batches.flat();
    expect(rows.every(({ ids }) => ids.every((id) => id >= 1000 && id < 1200))).toBe(true);
    const isChat = model.task === "chat";
    expect(
      rows.every(
        ({ prompt, label }) => (prompt !== undefined) === isChat && (label === undefined) === isChat,
      ),
    ).toBe(true);
  }
});

test("tokens are counted with and without padding, batch by batch", () => {
  const row = (tokens: number) => ({ ids: Array.from({ length: tokens }, () => 1000) });
  expect(countTokens([[row(2), row(5)], [row(1)]])).toEqual({ tokens: 8, padded: 11 });
});
