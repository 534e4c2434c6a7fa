// Our side: `generateBatch`, greedy, as `scalora eval` runs it. Reads from stdin how many of the prompts to continue at
// once, a line each, and answers with a JSON line.
//   ours.ts MODEL PROMPTS NEW_TOKENS [float32|bfloat16] [none|q8_0]
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type GenerationRequest, generateBatch } from "../../src/eval/index.ts";
import { loadModel } from "../../src/models/index.ts";
import * as torch from "../../src/torch/index.ts";
import { sideClock } from "../side-clock.ts";
import { promptsFile } from "./prompts-file.ts";

const [folder = "", promptsPath = "", count, precision, weights] = process.argv.slice(2);
const threads = Number(process.env["OMP_NUM_THREADS"]);
torch.setThreads(threads);
torch.keepFreedMemory();
const { prompts } = promptsFile.parse(JSON.parse(readFileSync(promptsPath, "utf8")));
const model = await loadModel(folder, {
  dtype: precision === "bfloat16" ? precision : "float32",
  device: "cpu",
  quantization: weights === "q8_0" ? weights : "none",
  hugePages: true,
});

for await (const line of createInterface({ input: process.stdin })) {
  const requests = prompts
    .slice(0, Number(line))
    .map((prompt, i) => ({ name: `prompt ${i + 1}`, prompt, seed: i }));
  await generate(requests, 4);
  const first = await timed(requests, 1);
  const { seconds, tokens } = await timed(requests, Number(count));
  const result = {
    seconds,
    promptSeconds: first.seconds,
    peakMiB: torch.memory().peak / 2 ** 20,
    tokens,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function timed(requests: readonly GenerationRequest[], maxTokens: number) {
  const start = sideClock(threads);
  const tokens = await generate(requests, maxTokens);
  return { seconds: sideClock(threads) - start, tokens };
}

/** No end token, so that every output has all its tokens; neither side makes text of them. */
async function generate(requests: readonly GenerationRequest[], maxTokens: number) {
  const options = {
    maxTokens,
    sampling: { temperature: 0 },
    endTokens: new Set<number>(),
    stop: [],
    decode: async () => "",
    batch: requests.length,
    signal: new AbortController().signal,
  };
  const outputs: (readonly number[])[] = [];
  for await (const { index, tokens } of generateBatch(model, requests, options)) outputs[index] = tokens;
  return outputs;
}
