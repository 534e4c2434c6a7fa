import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runScalora } from "../src/cli/testing/scalora.ts";
import { parseRecipe } from "../src/config/index.ts";
import { ChatTemplate } from "../src/data/index.ts";
import { cachedModelPath } from "../src/download/index.ts";
import { type ChatMessage, loadTokenizer, openGenerator, runTraining } from "../src/index.ts";
import { chatTemplates } from "../src/testing/chat-templates.ts";
import { runChildWithInput } from "../src/testing/child-process.ts";
import { byteTokenizer, writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { setThreads } from "../src/torch/index.ts";

const scratch = temporaryFolder();
const at = (...names: string[]) => join(scratch.path, ...names);
const execute = promisify(execFile);
const installed = process.env["NODE_LLAMA_CPP"];
const smollm = cachedModelPath("smollm2-135m-instruct");

/** What to ask of the program made with an export. */
interface Asked {
  /** A folder with chat.mjs. */
  readonly folder: string;
  readonly conversations: readonly (string | readonly ChatMessage[])[];
  readonly maxTokens?: number;
}

/** What it does. */
interface Deployed {
  /** Token ids of each conversation, up to its answer. */
  readonly ids: number[][];
  readonly texts: string[];
}

const asking = `
import { readFileSync } from "node:fs";
import { join } from "node:path";
const results = [];
for (const { folder, conversations, maxTokens = 24 } of JSON.parse(readFileSync("ask.json", "utf8"))) {
  const { openChat } = await import(join(folder, "chat.mjs"));
  const chat = await openChat();
  const ids = conversations.map((messages) => [...chat.encode(messages)]);
  const texts = await Promise.all(conversations.map((messages) => chat.ask(messages, { maxTokens })));
  results.push({ ids, texts });
  await chat.dispose();
}
console.log(JSON.stringify(results));
`;

/** Asks programs by way of their functions. */
async function deployed(...asked: readonly Asked[]): Promise<Deployed[]> {
  const folder = mkdtempSync(at("asking-"));
  writeFileSync(join(folder, "ask.json"), JSON.stringify(asked));
  return JSON.parse(await runProgram(folder, asking));
}

/** Runs a program that imports node-llama-cpp. @returns its output */
async function runProgram(folder: string, text: string): Promise<string> {
  writeFileSync(join(folder, "program.mjs"), text);
  return (await execute(process.execPath, ["program.mjs"], { cwd: folder })).stdout;
}

async function succeed(...args: string[]): Promise<void> {
  const { code, stderr } = await runScalora(...args);
  if (code !== 0) throw new Error(stderr);
}

/** scalora's token ids of conversations up to their answers. */
async function tokenIds(path: string, conversations: Asked["conversations"]): Promise<number[][]> {
  const tokenizer = await loadTokenizer(path);
  const template = new ChatTemplate(tokenizer.chatTemplate ?? "", tokenizer.special);
  const ids = conversations.map(async (input) => {
    const messages = typeof input === "string" ? [user(input)] : input;
    const all = messages.map(({ role, content }) => ({ role, content }));
    const text = template.render(all, { addGenerationPrompt: true, date: new Date() });
    return (await tokenizer.encode(text, { addSpecialTokens: false })).ids;
  });
  return Promise.all(ids);
}

/** The answers of a model or run. */
async function answers(path: string, conversations: readonly (readonly ChatMessage[])[], maxTokens = 24) {
  using generator = await openGenerator({ path });
  const texts: string[] = [];
  for (const messages of conversations) {
    let text = "";
    for await (const piece of generator.generate(messages, { maxTokens })) text += piece;
    texts.push(text);
  }
  return texts;
}

/**
 * llama.cpp rounds keys, values and what its flash attention adds up to float16, and this is enough for another token where two are
 * as likely: of these ten answers one parts from scalora's at two logits of 27.1656 and 27.1641.
 */
function attendInFloat32(program: string): void {
  const text = readFileSync(program, "utf8");
  const types = 'experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"';
  expect(text).toContain(" lora, threads }");
  writeFileSync(
    program,
    text.replace(" lora, threads }", ` lora, threads, flashAttention: false, ${types} }`),
  );
}

const user = (content: string): ChatMessage => ({ role: "user", content });
const turns = [user("  hi \n"), { role: "assistant", content: " yo" }, user("é\n\n<b>")];
const system = (content: string): ChatMessage => ({ role: "system", content });

/** The words that are trained on: 26 different ones. */
const letters = "abcdefghijklmnopqrstuvwxyz";
const word = (i: number) => [0, 1, 2].map((j) => letters[(i * (j * 2 + 3) + j) % 26]).join("");
const words = Array.from({ length: 10 }, (_, i) => word(i));
const instruction = 'Say it "loud".';

/** Trains on 200 chats that begin with a system message; 150 steps teach it to repeat a word in capitals. */
async function trainChat(
  folder: string,
  adapter: Readonly<Record<string, unknown>>,
  lr: number,
): Promise<string> {
  const rows = Array.from({ length: 200 }, (_, i) => {
    const answer = { role: "assistant", content: word(i).toUpperCase() };
    return JSON.stringify({ messages: [system(instruction), user(word(i)), answer] });
  });
  writeFileSync(join(folder, "train.jsonl"), rows.join("\n"));
  const recipe = parseRecipe(
    {
      model: { path: join(folder, "model"), dtype: "float32", device: "cpu" },
      adapter,
      data: { train: join(folder, "train.jsonl"), eval: "none" },
      train: { steps: 150, batchSize: 16, lr, saveEvery: 150 },
      run: { name: String(adapter["method"]), folder: join(folder, "runs"), samples: 0 },
    },
    { cwd: folder },
  );
  const signal = new AbortController().signal;
  return (await runTraining(recipe, { signal, onEvent: () => {} })).folder;
}

interface ChatModel {
  readonly template: string;
  /** Whether the tokenizer puts BOS before a text. */
  readonly addsBos: boolean;
  readonly eosTokenIds?: readonly number[];
}

/** Writes a tiny model with another chat template. */
function writeChatModel(folder: string, { template, addsBos, eosTokenIds = [257, 259] }: ChatModel): void {
  writeTinyLlama(folder, { chat: false });
  const bos = { SpecialToken: { id: "<|bos|>", type_id: 0 } };
  const text = { Sequence: { id: "A", type_id: 0 } };
  const processor = {
    type: "TemplateProcessing",
    single: [bos, text],
    pair: [bos, text, { Sequence: { id: "B", type_id: 0 } }],
    special_tokens: { "<|bos|>": { id: "<|bos|>", ids: [256], tokens: ["<|bos|>"] } },
  };
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), JSON.stringify(content));
  if (addsBos) write("tokenizer.json", { ...byteTokenizer, post_processor: processor });
  write("generation_config.json", { eos_token_id: eosTokenIds });
  writeFileSync(join(folder, "chat_template.jinja"), template);
}

beforeAll(() => {
  setThreads(1);
  // Programs in all folders below find node-llama-cpp and what it depends on.
  if (installed !== undefined) symlinkSync(dirname(installed), at("node_modules"));
});
afterAll(scratch.remove);

describe.skipIf(installed === undefined)("in node-llama-cpp (needs NODE_LLAMA_CPP)", () => {
  test("a trained model's chat.mjs answers as scalora does, with the system message of the training", async () => {
    writeTinyLlama(at("model"));
    const run = await trainChat(scratch.path, { method: "full" }, 3e-3);
    await succeed("export", run, "--out", at("merged", "loud.gguf"), "--format", "gguf");
    const [theirs] = await deployed({ folder: at("merged"), conversations: words });
    const conversations = words.map((word) => [system(instruction), user(word)]);
    expect(theirs?.ids).toEqual(await tokenIds(at("model"), conversations));
    const texts = await answers(run, conversations);
    expect(theirs?.texts).toEqual(texts);
    expect(texts.filter((text, i) => text === words[i]?.toUpperCase()).length).toBeGreaterThan(5);

    const input = `${words.slice(0, 3).join("\n")}\n`;
    const program = new URL("../src/cli/testing/run-main.ts", import.meta.url);
    const cli = await runChildWithInput(program, input, "chat", run);
    const child = execute(process.execPath, [at("merged", "chat.mjs")]);
    child.child.stdin?.end(input);
    expect((await child).stdout).toBe(cli.stdout);
    expect((await execute(process.execPath, [at("merged", "chat.mjs"), "abc"])).stdout).toBe("ABC\n");
  }, 600_000);

  test("an adapter and its model as two files answer as scalora does", async () => {
    const folder = at("lora");
    writeTinyLlama(join(folder, "model"));
    const run = await trainChat(folder, { method: "lora", rank: 8 }, 1e-2);
    const out = join(folder, "out");
    await succeed("export", run, "--out", join(out, "loud.gguf"), "--format", "gguf", "--as", "adapter");
    await succeed("export", join(folder, "model"), "--out", join(out, "model.gguf"), "--format", "gguf");
    const [theirs] = await deployed({ folder: out, conversations: words });
    const conversations = words.map((word) => [system(instruction), user(word)]);
    expect(theirs?.texts).toEqual(await answers(run, conversations));
    expect(theirs?.texts).not.toEqual(await answers(join(folder, "model"), conversations));
  }, 600_000);

  test("token ids of conversations, by template and whether BOS is put before texts", async () => {
    const models = Object.entries(chatTemplates).flatMap(([name, template]) =>
      [false, true].map((addsBos) => ({ name, folder: at(`${name}-${addsBos}`), template, addsBos })),
    );
    const asked: (Asked & { model: string })[] = [];
    for (const { name, folder, ...model } of models) {
      writeChatModel(join(folder, "model"), model);
      await succeed("export", join(folder, "model"), "--out", join(folder, "model.gguf"), "--format", "gguf");
      const plain = [[user("hello")], turns, [user(" <|im_end|>\n x")]];
      const withSystem = plain.map((messages) => [system(" Be kind. "), ...messages]);
      const conversations = name === "thinking" ? plain : [...plain, ...withSystem];
      asked.push({ folder, conversations, maxTokens: 2, model: join(folder, "model") });
    }
    for (const [i, { ids }] of (await deployed(...asked)).entries()) {
      const { model = "", conversations = [] } = asked[i] ?? {};
      expect(ids, model).toEqual(await tokenIds(model, conversations));
    }
  }, 600_000);

  test("every end token of a model ends an output there", async () => {
    const eosTokenIds = [257, 10, 33, 259];
    writeChatModel(at("ends"), { template: chatTemplates.chatml, addsBos: false, eosTokenIds });
    await succeed("export", at("ends"), "--out", at("ended", "m.gguf"), "--format", "gguf");
    const ends = await runProgram(
      at("ended"),
      `import { getLlama } from "node-llama-cpp";
      const model = await (await getLlama({ logLevel: "error" })).loadModel({ modelPath: "m.gguf", vocabOnly: true });
      console.log(JSON.stringify(${JSON.stringify([...eosTokenIds, 11])}.map((token) => model.isEogToken(token))));
      process.exit();`,
    );
    // llama.cpp has keys for three, and knows <|im_end|> by its text.
    expect(JSON.parse(ends)).toEqual([true, true, true, true, false]);
  }, 600_000);

  test.skipIf(smollm === undefined)(
    "SmolLM2 answers the same with the system prompt of its template (needs `scalora get smollm2-135m-instruct`)",
    async () => {
      const file = at("smollm", "smollm.gguf");
      await succeed("export", smollm ?? "", "--out", file, "--format", "gguf", "--dtype", "float32");
      const questions = [
        ...["What is the capital of France?", "Name three colours.", "How many legs has a spider?"],
        ...[
          "Write one sentence about the sea.",
          "What is 7 plus 5?",
          "Who wrote Hamlet?",
          "Say hello in Spanish.",
        ],
        ...["What does a baker do?", "My parcel never came, order 4711.", "Is ice cold?"],
      ];
      attendInFloat32(at("smollm", "chat.mjs"));
      const [theirs] = await deployed({ folder: at("smollm"), conversations: questions });
      expect(theirs?.ids).toEqual(await tokenIds(file, questions));
      const conversations = questions.map((text) => [user(text)]);
      expect(theirs?.texts).toEqual(await answers(file, conversations));
    },
    600_000,
  );
});
