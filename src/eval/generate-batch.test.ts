import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadModel } from "../models/index.ts";
import type { CausalLM } from "../nn/index.ts";
import { copyGoldenLlama } from "../testing/golden-llama.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fill_, liveTensorCount, narrow, noGrad, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { Random } from "../util/random.ts";
import { type GenerateBatchOptions, type GenerationRequest, generateBatch } from "./generate-batch.ts";

const golden = fileURLToPath(new URL("../../test/golden", import.meta.url));
const scratch = temporaryFolder();

/** Tokens as letters, each its own character. */
const decode = async (ids: readonly number[]) => ids.map((id) => String.fromCharCode(48 + id)).join("");

const defaults: GenerateBatchOptions = {
  maxTokens: 12,
  sampling: { temperature: 0 },
  endTokens: new Set([3, 19, 40]),
  stop: [],
  decode,
  batch: 4,
  signal: new AbortController().signal,
};

/** Prompts of many lengths. */
function requestsOf(count: number): GenerationRequest[] {
  const random = new Random(4);
  return Array.from({ length: count }, (_, i) => ({
    name: `rows.jsonl:${i + 1}`,
    prompt: Array.from({ length: 1 + random.integerBelow(20) }, () => random.integerBelow(80)),
    seed: 100 + i,
  }));
}

async function texts(
  model: CausalLM,
  requests: readonly GenerationRequest[],
  options: Partial<GenerateBatchOptions> = {},
): Promise<string[]> {
  const result: string[] = [];
  for await (const { index, text, reason } of generateBatch(model, requests, { ...defaults, ...options }))
    result[index] = `${text} ${reason}`;
  return result;
}

test.each([
  ["greedy", {}],
  ["sampled", { sampling: { temperature: 1.2, topK: 30, topP: 0.9 } }],
  ["three beams", { beams: 3 }],
] as const)("%s outputs depend neither on the batch nor on the order", async (_, options) => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
  const requests = requestsOf(11);
  const alone = await texts(model, requests, { ...options, batch: 1 });
  expect(new Set(alone.map((text) => text.split(" ")[1]))).toEqual(new Set(["end", "length"]));
  expect(await texts(model, requests, { ...options, batch: 7 })).toEqual(alone);
  expect(await texts(model, requests, { ...options, batch: 32 })).toEqual(alone);
  expect((await texts(model, [...requests].reverse(), { ...options, batch: 3 })).reverse()).toEqual(alone);
});

interface Search {
  model: string;
  prompt: number[];
  beams: number;
  ends: number[];
  tokens: number[];
}
const { cases, maxTokens }: { cases: Search[]; maxTokens: number } = JSON.parse(
  readFileSync(join(golden, "beams.json"), "utf8"),
);

test.each(cases)(
  "$model with $beams beams: the output is transformers'",
  async ({ model: name, ...search }) => {
    using model = await loadModel(copyGoldenLlama(scratch.path, name));
    const { prompt, beams, ends, tokens } = search;
    const options = { ...defaults, beams, maxTokens, endTokens: new Set(ends) };
    for await (const output of generateBatch(model, [{ name, prompt, seed: 0 }], options))
      expect(output.tokens).toEqual(tokens);
  },
);

test.each([1, 2])("a stop text ends an output and is cut away (beams: %d)", async (beams) => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
  const requests = requestsOf(6);
  const whole = await texts(model, requests, { beams, endTokens: new Set() });
  const stop = elementAt(whole, 2).slice(3, 5);
  const stopped = await texts(model, requests, { beams, endTokens: new Set(), stop: [stop] });
  expect(stopped[2]).toBe(`${elementAt(whole, 2).slice(0, elementAt(whole, 2).indexOf(stop))} stop`);
  for (const [i, text] of whole.entries()) if (!text.includes(stop)) expect(stopped[i]).toBe(text);
});

test("the model's context ends an output", async () => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
  const prompt = Array.from({ length: 60 }, (_, i) => i);
  for (const beams of [1, 2]) {
    const [text] = await texts(model, [{ name: "a", prompt, seed: 0 }], { beams, endTokens: new Set() });
    expect(text?.length).toBe(model.info.maxPositions - prompt.length + 1 + " length".length);
  }
});

test("no tensor is left behind, however it ends", async () => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
  await texts(model, requestsOf(2));
  const before = liveTensorCount();
  for (const beams of [1, 3]) {
    await texts(model, requestsOf(9), { beams });
    expect(liveTensorCount()).toBe(before);
    for await (const _ of generateBatch(model, requestsOf(9), { ...defaults, beams })) break;
    expect(liveTensorCount()).toBe(before);
    const stopping = new AbortController();
    stopping.abort(new Error("enough"));
    await expect(texts(model, requestsOf(9), { beams, signal: stopping.signal })).rejects.toThrow("enough");
    expect(liveTensorCount()).toBe(before);
  }
});

test.each([
  [{ maxTokens: 0 }, "maxTokens", "0"],
  [{ batch: 0 }, "batch", "0"],
  [{ beams: 1.5 }, "beams", "1.5"],
  [{ beams: 2, sampling: { temperature: 0.7 } }, "sampling.temperature", "0.7"],
  [{ stop: [""] }, "stop", '[""]'],
])("options that cannot be are refused: %j", async (options, where, found) => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "gqa"));
  await expect(texts(model, requestsOf(1), options)).rejects.toThrow(
    expect.objectContaining({ code: "usage", where, found }),
  );
});

test("a bad prompt and scores that are not numbers are errors that name the request", async () => {
  using model = await loadModel(copyGoldenLlama(scratch.path, "untied"));
  const bad = (prompt: number[]) =>
    texts(model, [...requestsOf(3), { name: "rows.jsonl:4", prompt, seed: 0 }]);
  await expect(bad([])).rejects.toThrow(refusal("usage", { where: /^rows\.jsonl:4$/ }));
  await expect(bad(Array(65).fill(1))).rejects.toThrow(
    refusal("usage", { where: /^rows\.jsonl:4$/, expected: "64 tokens", found: /^65 tokens$/ }),
  );
  const requests = requestsOf(3).map((request, i) => ({ ...request, prompt: [i + 1] }));
  const embedding = new Map(model.namedParameters()).get("model.embed_tokens.weight");
  if (embedding === undefined) throw new Error("the model has an embedding");
  noGrad(() => scope(() => void fill_(narrow(embedding, 0, 2, 1), Number.NaN)));
  await expect(texts(model, requests)).rejects.toThrow(
    refusal("run", { where: /^rows\.jsonl:2$/, found: "NaN" }),
  );
});
