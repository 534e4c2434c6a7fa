import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadModel } from "../models/index.ts";
import type { CausalLM } from "../nn/index.ts";
import { tokenStream } from "../nn/index.ts";
import { copyGoldenLlama } from "../testing/golden-llama.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fill_, Generator, liveTensorCount, noGrad, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { generateTokens, type TokenOptions } from "./generate-tokens.ts";
import type { Sampling } from "./sampling.ts";

interface Case extends Sampling {
  model: string;
  prompt: number[];
  seed: number;
  tokens: number[];
}

const golden = fileURLToPath(new URL("../../test/golden", import.meta.url));
const { cases }: { cases: Case[] } = JSON.parse(readFileSync(join(golden, "generation.json"), "utf8"));

async function collect(
  model: CausalLM,
  prompt: readonly number[],
  options: Partial<TokenOptions> & { seed?: number } = {},
  cache = model.newCache(),
) {
  using generator = new Generator(options.seed ?? 0, "cpu");
  const stream = generateTokens(model, cache, prompt, {
    maxTokens: 24,
    sampling: { temperature: 0 },
    endTokens: new Set(),
    generator,
    ...options,
  });
  const tokens: number[] = [];
  for (;;) {
    const next = await stream.next();
    if (next.done) return { tokens, end: next.value, cache };
    tokens.push(next.value);
  }
}

const scratch = temporaryFolder();

test.each(cases)(
  "$model at temperature $temperature, k $topK, p $topP: the tokens are transformers'",
  async (c) => {
    using model = await loadModel(copyGoldenLlama(scratch.path, c.model));
    const { tokens, cache } = await collect(model, c.prompt, { sampling: c, seed: c.seed });
    cache.dispose();
    expect(tokens).toEqual(c.tokens);
  },
);

test.each([1e-29, 1e-31, 1e-300, Number.MIN_VALUE])(
  "temperature %d chooses the likeliest token",
  async (temperature) => {
    const { model: name, prompt } = elementAt(cases, 0);
    using model = await loadModel(copyGoldenLlama(scratch.path, name));
    const [greedy, cold] = [
      await collect(model, prompt),
      await collect(model, prompt, { sampling: { temperature } }),
    ];
    for (const { cache } of [greedy, cold]) cache.dispose();
    expect(cold.tokens).toEqual(greedy.tokens);
  },
);

test("a cache that holds the beginning gives the same tokens", async () => {
  const { model: name, prompt, tokens } = elementAt(cases, 0);
  using model = await loadModel(copyGoldenLlama(scratch.path, name));
  using cache = model.newCache();
  noGrad(() =>
    scope(
      () =>
        void model.hiddenStates(
          tokenStream(prompt.slice(0, 3), undefined, { device: "cpu", caches: [cache] }),
        ),
    ),
  );
  expect((await collect(model, prompt, {}, cache)).tokens).toEqual(tokens);
  expect(cache.length).toBe(prompt.length + tokens.length - 1);
  cache.truncate(prompt.length - 1);
  expect((await collect(model, prompt, {}, cache)).tokens).toEqual(tokens);
});

test("an end token and the model's context end the output", async () => {
  const { model: name, prompt, tokens } = elementAt(cases, 0);
  using model = await loadModel(copyGoldenLlama(scratch.path, name));
  const place = tokens.findIndex((token, i) => i > 2 && !tokens.slice(0, i).includes(token));
  const ended = await collect(model, prompt, { endTokens: new Set([elementAt(tokens, place)]) });
  ended.cache.dispose();
  expect(ended).toMatchObject({ tokens: tokens.slice(0, place), end: "end" });
  const full = await collect(model, prompt, { maxTokens: 1000 });
  full.cache.dispose();
  expect(full.end).toBe("length");
  expect(full.tokens.length).toBe(model.info.maxPositions - prompt.length + 1);
});

test("no tensor is left behind, however the output ends", async () => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
  (await collect(model, [1])).cache.dispose();
  const before = liveTensorCount();
  (await collect(model, [1, 2, 3])).cache.dispose();
  expect(liveTensorCount()).toBe(before);
  using cache = model.newCache();
  using generator = new Generator(1, "cpu");
  const options = {
    maxTokens: 9,
    sampling: { temperature: 1, topK: 9, topP: 0.9 },
    endTokens: new Set<number>(),
    generator,
  };
  for await (const token of generateTokens(model, cache, [1, 2], options)) {
    expect(token).toBeLessThan(80);
    break;
  }
  cache.dispose();
  expect(liveTensorCount()).toBe(before);
});

test("a prompt that cannot be, and a model that has diverged, are clear errors", async () => {
  const folder = copyGoldenLlama(scratch.path, "gqa");
  using model = await loadModel(folder);
  await expect(collect(model, [])).rejects.toThrow(refusal("usage", { message: "no tokens" }));
  await expect(collect(model, Array(65).fill(1))).rejects.toThrow(
    refusal("usage", { expected: "at most 64 tokens", found: /^65 tokens$/ }),
  );
  const [, parameter] = elementAt([...model.namedParameters()], 1);
  noGrad(() => fill_(parameter, Number.NaN));
  for (const temperature of [0, 1])
    await expect(collect(model, [1], { sampling: { temperature } })).rejects.toThrow("logits are not finite");
});
