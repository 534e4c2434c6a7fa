// Our side: a LoRA step of a sequence classifier, `trainStep` with AdamW, with the model's own dropout. Reads a line from
// stdin, answers with a JSON line: the mean over the batches.
//   node ours.mjs MODEL_FOLDER BATCHES
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { attach } from "../../dist/adapters/index.js";
import { collate } from "../../dist/data/collate.js";
import { loadClassifier } from "../../dist/models/index.js";
import { AdamW, makeSchedule } from "../../dist/optim/index.js";
import * as torch from "../../dist/torch/index.js";
import { trainStep } from "../../dist/train/step.js";

const [folder, batchesPath] = process.argv.slice(2);
const threads = Number(process.env.OMP_NUM_THREADS);
torch.setThreads(threads);
torch.keepFreedMemory();
torch.chooseGemmBackend();
const batches = JSON.parse(readFileSync(batchesPath, "utf8")).map((rows) =>
  collate(
    rows.map(({ ids, label }) => {
      return { ids: Int32Array.from(ids), isLabel: new Uint8Array(ids.length), source: "peer", label };
    }),
  ),
);
const model = await loadClassifier(folder, {
  dtype: "float32",
  device: "cpu",
  labels: ["unacceptable", "acceptable"],
});
const adapters = attach(model, { method: "lora", rank: 8, targetModules: "all-linear" });
const trainables = adapters.trainables();
const parts = {
  model,
  adapters,
  optimizer: new AdamW(trainables, { weightDecay: 0.01 }),
  schedule: makeSchedule({ name: "constant", lr: 1e-4, steps: 1e6 }),
  clip: 1,
  dropout: new torch.Generator(0, "cpu"),
};
const trained = trainables.reduce((sum, { value }) => sum + value.numel, 0);
trainStep(parts, [batches[0]], 1);
let steps = 1;
for await (const _ of createInterface({ input: process.stdin })) {
  const start = clock();
  for (const batch of batches) trainStep(parts, [batch], ++steps);
  const seconds = (clock() - start) / batches.length;
  process.stdout.write(`${JSON.stringify({ seconds, peakMiB: torch.memory().peak / 2 ** 20, trained })}\n`);
}

/** Seconds: of this process's CPU time with one thread, so that neighbours do not count; of the wall with more. */
function clock() {
  if (threads > 1) return performance.now() / 1e3;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
