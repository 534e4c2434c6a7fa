// Our side: a LoRA step of a sequence classifier, `trainStep` with AdamW, with the model's own dropout. Reads a line from
// stdin, answers with a JSON line: the mean over the batches.
//   ours.ts MODEL_FOLDER BATCHES
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { attach } from "../../src/adapters/index.ts";
import { collate } from "../../src/data/collate.ts";
import { loadClassifier } from "../../src/models/index.ts";
import { AdamW, makeSchedule } from "../../src/optim/index.ts";
import * as torch from "../../src/torch/index.ts";
import { trainStep } from "../../src/train/step.ts";
import { elementAt } from "../../src/util/elements.ts";
import { sideClock } from "../side-clock.ts";
import { batchesFile } from "./batches-file.ts";

const [folder = "", batchesPath = ""] = process.argv.slice(2);
const threads = Number(process.env["OMP_NUM_THREADS"]);
torch.setThreads(threads);
torch.keepFreedMemory();
torch.chooseGemmBackend();
const batches = batchesFile.parse(JSON.parse(readFileSync(batchesPath, "utf8"))).map((rows) =>
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
await trainStep(parts, [elementAt(batches, 0)], 1);
let steps = 1;
for await (const _ of createInterface({ input: process.stdin })) {
  const start = sideClock(threads);
  for (const batch of batches) await trainStep(parts, [batch], ++steps);
  const seconds = (sideClock(threads) - start) / batches.length;
  process.stdout.write(`${JSON.stringify({ seconds, peakMiB: torch.memory().peak / 2 ** 20, trained })}\n`);
}
