// llama.cpp's side, by node-llama-cpp: reads from stdin how many of the prompts to continue at once, a line each, all in one
// context, and answers with a JSON line.
//   llama-cpp-side.ts PACKAGE_FOLDER MODEL.gguf PROMPTS NEW_TOKENS
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { elementAt } from "../../src/util/elements.ts";
import { sideClock } from "../side-clock.ts";
import { promptsFile } from "./prompts-file.ts";

const [packageFolder = "", modelPath = "", promptsPath = "", count] = process.argv.slice(2);
const threads = Number(process.env["OMP_NUM_THREADS"]);
const { prompts } = promptsFile.parse(JSON.parse(readFileSync(promptsPath, "utf8")));
const { getLlama } = await import(pathToFileURL(join(packageFolder, "dist/index.js")).href);
const llama = await getLlama({
  gpu: false,
  build: "never",
  maxThreads: threads,
  logLevel: "warn",
  progressLogs: false,
});
const model = await llama.loadModel({ modelPath });

for await (const line of createInterface({ input: process.stdin })) {
  const some = prompts.slice(0, Number(line));
  const context = await model.createContext({
    sequences: some.length,
    contextSize: 512,
    batchSize: 512,
    threads: { ideal: threads, min: threads },
  });
  const sequences = some.map(() => context.getSequence());
  await generate(sequences, 4);
  const first = await timed(sequences, 1);
  const { seconds, tokens } = await timed(sequences, Number(count));
  await context.dispose();
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ seconds, promptSeconds: first.seconds, peakMiB, tokens })}\n`);
}
process.exit();

/** What is used of node-llama-cpp's sequences. */
interface Sequence {
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncGenerator<number>;
}

async function timed(sequences: readonly Sequence[], maxTokens: number) {
  const start = sideClock(threads);
  const tokens = await generate(sequences, maxTokens);
  return { seconds: sideClock(threads) - start, tokens };
}

/** Greedily, past end tokens, without turning tokens into text. */
function generate(sequences: readonly Sequence[], maxTokens: number) {
  return Promise.all(
    sequences.map(async (sequence, i) => {
      await sequence.clearHistory();
      const tokens: number[] = [];
      const options = { temperature: 0, yieldEogToken: true };
      for await (const token of sequence.evaluate(elementAt(prompts, i), options))
        if (tokens.push(token) >= maxTokens) break;
      return tokens;
    }),
  );
}
