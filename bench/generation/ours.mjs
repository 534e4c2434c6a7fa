// Our side: `generateBatch`, greedy, as `scalora eval` runs it. Reads from stdin how many of the prompts to continue at
// once, a line each, and answers with a JSON line.
//   node ours.mjs MODEL_FOLDER PROMPTS NEW_TOKENS
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { generateBatch } from "../../dist/eval/index.js";
import { loadModel } from "../../dist/models/index.js";
import * as torch from "../../dist/torch/index.js";

const [folder, promptsPath, count] = process.argv.slice(2);
const threads = Number(process.env.OMP_NUM_THREADS);
torch.setThreads(threads);
torch.keepFreedMemory();
const { prompts } = JSON.parse(readFileSync(promptsPath, "utf8"));
const model = await loadModel(folder, { dtype: "float32", device: "cpu" });

for await (const line of createInterface({ input: process.stdin })) {
  const requests = prompts
    .slice(0, Number(line))
    .map((prompt, i) => ({ name: `prompt ${i + 1}`, prompt, seed: i }));
  await generate(requests, 4);
  const start = clock();
  const tokens = await generate(requests, Number(count));
  const seconds = clock() - start;
  process.stdout.write(`${JSON.stringify({ seconds, peakMiB: torch.memory().peak / 2 ** 20, tokens })}\n`);
}

/** No end token, so that every output has all its tokens; neither side makes text of them. */
async function generate(requests, maxTokens) {
  const options = {
    maxTokens,
    sampling: { temperature: 0 },
    endTokens: new Set(),
    stop: [],
    decode: async () => "",
    batch: requests.length,
    signal: new AbortController().signal,
  };
  const outputs = [];
  for await (const { index, tokens } of generateBatch(model, requests, options)) outputs[index] = tokens;
  return outputs;
}

/** Seconds: of this process's CPU time with one thread, so that neighbours do not count; of the wall with more. */
function clock() {
  if (threads > 1) return performance.now() / 1e3;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
