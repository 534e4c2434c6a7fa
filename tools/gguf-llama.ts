/**
 * Compares what llama.cpp (by way of node-llama-cpp) makes of a GGUF file with what scalora makes of the same model.
 *
 *     npx tsx tools/gguf-llama.ts \
 *       MODEL FILE.gguf [--lora FILE.gguf --adapter FOLDER] [--tokens N] [--prompts FILE.json]
 *
 * MODEL is what scalora loads (a folder or a GGUF file), FILE.gguf what node-llama-cpp loads. For each prompt: equal token ids,
 * then N greedy tokens of both (default 32) up to the first place where scalora's two best logits are closer than 0.05, since
 * the two engines round differently. With --lora and --adapter both use that adapter, and its output must differ from the
 * bare model's somewhere. node-llama-cpp is no dependency: install it and `@node-llama-cpp/linux-x64` anywhere and name its
 * folder in NODE_LLAMA_CPP. Ends with 1 where something differs.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { attach, type CausalLM, loadModel, loadTokenizer, tokenStream, torch } from "../src/index.ts";
import { elementAt, takeFirst } from "../src/util/elements.ts";

/** What of node-llama-cpp is used here. */
interface LlamaModule {
  getLlama(options: object): Promise<{ loadModel(options: { modelPath: string }): Promise<LlamaModel> }>;
}
interface LlamaModel {
  tokenize(text: string): number[];
  readonly tokens: { readonly shouldPrependBosToken: boolean };
  createContext(options: object): Promise<LlamaContext>;
}
interface LlamaContext {
  getSequence(): { evaluate(tokens: readonly number[], options: object): AsyncIterable<number> };
  dispose(): Promise<void>;
}

/** Tokens, and for each how far the best logit was above the second. */
interface Greedy {
  readonly tokens: number[];
  readonly gaps: number[];
}

/** Logits closer than this may change places between two engines. */
const close = 0.05;

/**
 * Greedy tokens of scalora, and for each how far the best logit is above the second.
 */
function greedy(model: CausalLM, prompt: readonly number[], count: number): Greedy {
  const cache = model.newCache();
  const result: Greedy = { tokens: [], gaps: [] };
  let next = prompt;
  while (result.tokens.length < count) {
    const logits = torch.noGrad(() =>
      torch.scope(() => {
        const hidden = model.hiddenStates(tokenStream(next, undefined, { device: "cpu", caches: [cache] }));
        return model.lm_head.forward(torch.narrow(hidden, 0, next.length - 1, 1)).toFloats();
      }),
    );
    let best = 0;
    for (let i = 1; i < logits.length; i++) if (elementAt(logits, i) > elementAt(logits, best)) best = i;
    let second = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < logits.length; i++) if (i !== best) second = Math.max(second, elementAt(logits, i));
    result.tokens.push(best);
    result.gaps.push(elementAt(logits, best) - second);
    next = [best];
  }
  cache.dispose();
  return result;
}

async function greedyOfLlama(
  model: LlamaModel,
  prompt: readonly number[],
  count: number,
  lora: string | undefined,
): Promise<number[]> {
  const context = await model.createContext({
    contextSize: Math.max(64, prompt.length + count + 8),
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
    flashAttention: false,
    threads: 1,
    ...(lora === undefined ? {} : { lora: { adapters: [{ filePath: lora }] } }),
  });
  const tokens: number[] = [];
  const sequence = context.getSequence();
  for await (const token of sequence.evaluate(prompt, { temperature: 0 })) {
    tokens.push(Number(token));
    if (tokens.length === count) break;
  }
  await context.dispose();
  return tokens;
}

function compare(
  ours: Greedy,
  theirs: readonly number[],
): { same: number; verdict: "equal" | "tie" | "differs" } {
  for (const [i, token] of theirs.entries()) {
    if (token === ours.tokens[i]) continue;
    return { same: i, verdict: elementAt(ours.gaps, i) < close ? "tie" : "differs" };
  }
  return { same: theirs.length, verdict: theirs.length === ours.tokens.length ? "equal" : "tie" };
}

const defaultPrompts = [
  "The capital of France is",
  "Once upon a time",
  "def fibonacci(n):",
  "Water boils at",
  "The quick brown fox",
  "In 1969, the first",
  "My favourite food is",
  "To be or not to be,",
  "import numpy as np\n",
  "The meaning of life",
  "Roses are red,",
  "The sum of 12 and 30 is",
  "Dear Sir or Madam,",
  "Shakespeare wrote",
  "The largest planet is",
  "Q: What is your name?\nA:",
  "She opened the door and",
  "La capitale de l'Italie est",
  "A list of colours:\n- red\n-",
  "Photosynthesis is the process",
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    lora: { type: "string" },
    adapter: { type: "string" },
    tokens: { type: "string", default: "32" },
    prompts: { type: "string" },
  },
});
const [path, file] = takeFirst(positionals, 2);
const count = Number(values.tokens);
const prompts: string[] = values.prompts ? JSON.parse(readFileSync(values.prompts, "utf8")) : defaultPrompts;
const folder = process.env["NODE_LLAMA_CPP"];
const module: LlamaModule = await import(
  folder === undefined ? "node-llama-cpp" : pathToFileURL(`${folder}/dist/index.js`).href
);
const { getLlama } = module;
const llama = await getLlama({ build: "never", gpu: false, maxThreads: 1, logLevel: "error" });
const theirs = await llama.loadModel({ modelPath: file });
const tokenizer = await loadTokenizer(path);
const model = await loadModel(path, { dtype: "float32" });
const bare = values.adapter === undefined ? undefined : await loadModel(path, { dtype: "float32" });
if (values.adapter !== undefined)
  attach(model, { method: "lora", rank: 1, targetModules: "all-linear", from: values.adapter });

let failures = 0;
let changed = 0;
for (const prompt of prompts) {
  const { ids } = await tokenizer.encode(prompt, { addSpecialTokens: false });
  const sameIds = JSON.stringify(ids) === JSON.stringify(theirs.tokenize(prompt).map(Number));
  const { bos } = tokenizer.special;
  const start = theirs.tokens.shouldPrependBosToken && bos ? [bos.id, ...ids] : ids;
  const ours = greedy(model, start, count);
  const { same, verdict } = compare(ours, await greedyOfLlama(theirs, start, count, values.lora));
  if (bare && JSON.stringify(greedy(bare, start, count).tokens) !== JSON.stringify(ours.tokens)) changed++;
  if (!sameIds || verdict === "differs") failures++;
  const text = JSON.stringify(await tokenizer.decode(ours.tokens));
  console.log(`${sameIds ? "ids equal" : "IDS DIFFER"}, ${same}/${count} ${verdict}: ${text.slice(0, 60)}`);
}
if (bare) console.log(`the adapter changes ${changed} of ${prompts.length} outputs`);
if (bare && changed === 0) failures++;
console.log(`${prompts.length - failures} of ${prompts.length} agree`);
process.exit(failures === 0 ? 0 : 1);
