import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openGenerator } from "../inference/generate.ts";
import type { ChatMessage } from "../inference/text-generator.ts";
import { runChildWithInput } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { liveTensorCount, setThreads } from "../torch/index.ts";
import { main } from "./main.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { CapturedStream } from "./testing/terminal.ts";

const scratch = temporaryFolder();
const model = join(scratch.path, "model");
const plain = join(scratch.path, "plain");
const program = new URL("testing/run-main.ts", import.meta.url);

beforeAll(() => {
  setThreads(1);
  writeTinyLlama(model);
  writeTinyLlama(plain, { chat: false });
});
afterAll(scratch.remove);

const settings = { maxTokens: 6, temperature: 0, seed: 0, stop: ["\n"] };

/** The answers of a conversation, each with a generator that remembers nothing. */
async function answers(turns: readonly string[], system: string): Promise<string[]> {
  const messages: ChatMessage[] = [{ role: "system", content: system }];
  const result: string[] = [];
  for (const content of turns) {
    messages.push({ role: "user", content });
    const generator = await openGenerator({ path: model, dtype: "auto", device: "auto" });
    let text = "";
    for await (const piece of generator.generate(messages, settings, new AbortController().signal))
      text += piece;
    generator.dispose();
    messages.push({ role: "assistant", content: text });
    result.push(text);
  }
  return result;
}

test("a conversation on piped stdin: each answer sees all turns, /reset starts over, the end of input ends it", async () => {
  const args = ["chat", model, "--raw", "--max-tokens", "6", "--stop", "\n", "--system", "sys"];
  const { code, stdout, stderr } = await runChildWithInput(
    program,
    "hello\n\nagain é\n/reset\nhello\n",
    ...args,
  );
  const [first, second] = await answers(["hello", "again é"], "sys");
  expect(stderr).toBe("");
  expect(stdout).toBe(`${first}\n${second}\n${first}\n`);
  expect(second).not.toBe(first);
  expect(code).toBe(0);
}, 180_000);

test("chat with a model that has no chat template is a clear error", async () => {
  const [stdout, stderr] = [new CapturedStream(), new CapturedStream()];
  const code = await main(["chat", plain], { stdout, stderr, env: {}, prepareEngine: async () => {} });
  expect(stdout.text).toBe("");
  expect(printedFailure({ code, stderr: stderr.text })).toMatchObject({
    code: 2,
    fix: expect.stringContaining("scalora generate"),
  });
});

test("a generator that goes on reuses what it computed, gives the same text, and leaves nothing", async () => {
  const before = liveTensorCount();
  const generator = await openGenerator({ path: model, dtype: "auto", device: "cpu" });
  const signal = new AbortController().signal;
  const write = async (input: string | ChatMessage[]) => {
    let text = "";
    for await (const piece of generator.generate(input, settings, signal)) text += piece;
    return text;
  };
  const cold = await write("abcdef");
  expect(await write("abcdef")).toBe(cold);
  await write([{ role: "user", content: "a" }]);
  expect(await write("abcdef")).toBe(cold);
  for await (const _ of generator.generate("xyz", settings, signal)) break;
  expect(await write("abcdef")).toBe(cold);
  const aborted = generator.generate("abc", settings, AbortSignal.abort());
  expect((await aborted.next()).value).toMatchObject({ tokens: 0, reason: "interrupted" });
  await expect(write("")).rejects.toThrow("no tokens");
  generator.dispose();
  expect(liveTensorCount()).toBe(before);
});
