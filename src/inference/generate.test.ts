import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { loadModel } from "../models/index.ts";
import { refusal } from "../testing/refusal.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { generateText, openGenerator } from "./generate.ts";

const scratch = temporaryFolder();
const folder = join(scratch.path, "model");
const plain = join(scratch.path, "plain");
beforeAll(() => {
  writeTinyLlama(folder);
  writeTinyLlama(plain, { chat: false });
});
afterAll(scratch.remove);

async function joined(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

const messages = [{ role: "user", content: "hello" }];

test.each([["a text", "hello"] as const, ["messages", messages] as const])(
  "a model in memory writes what its folder writes: %s",
  async (_, input) => {
    const live = liveTensorCount();
    const generator = await openGenerator({ path: folder });
    const expected = await joined(generator.generate(input, { maxTokens: 8 }));
    generator.dispose();
    const model = await loadModel(folder, { dtype: "float32" });
    const tokenizer = await loadTokenizer(folder);
    const given = { maxTokens: 8, endTokens: [257] };
    expect(await joined(generateText(model, tokenizer, input, given))).toBe(expected);
    expect(expected.length).toBeGreaterThan(0);
    model.dispose();
    expect(liveTensorCount()).toBe(live);
  },
);

test("the signal ends an output, and a model without a chat template refuses messages", async () => {
  using model = await loadModel(plain);
  const tokenizer = await loadTokenizer(plain);
  const stopped = generateText(model, tokenizer, "hello", { signal: AbortSignal.abort() });
  expect(await stopped.next()).toMatchObject({ done: true, value: { reason: "interrupted", tokens: 0 } });
  await expect(generateText(model, tokenizer, messages).next()).rejects.toThrow(
    refusal("usage", { where: "the tokenizer", message: "chat template" }),
  );
  await expect(generateText(model, tokenizer, "a", { temperature: -1 }).next()).rejects.toThrow(
    refusal("usage", { where: /^temperature$/, found: /^-1$/ }),
  );
});
