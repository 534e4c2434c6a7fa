// Our side of the comparison, on what export.py wrote: one process, one JSON line.
//   node ours.mjs check FOLDER   loss and adapter gradients of the first batch against the peer's
//   node ours.mjs time FOLDER    training steps: CPU seconds with one thread, wall seconds with more; peak memory
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { attach } from "../../dist/adapters/index.js";
import { readAdapterFolder } from "../../dist/adapters/peft/adapter-folder.js";
import { collate } from "../../dist/data/collate.js";
import { loadModel } from "../../dist/models/index.js";
import { AdamW, makeSchedule } from "../../dist/optim/index.js";
import * as torch from "../../dist/torch/index.js";
import { trainStep } from "../../dist/train/step.js";

const [mode, folder] = process.argv.slice(2);
const threads = Number(process.env.OMP_NUM_THREADS ?? 1);
torch.setThreads(threads);
torch.keepFreedMemory();

const { batches: rows, loss } = JSON.parse(readFileSync(join(folder, "about.json"), "utf8"));
const batches = rows.map((examples) => collate(examples.map((example) => ({ ...example, source: "peer" }))));
const model = await loadModel(join(folder, "model"), { dtype: "float32", device: "cpu" });
const { chosen } = torch.chooseGemmBackend();
const from = join(folder, mode === "check" ? "checked-adapter" : "adapter");
const adapters = attach(model, { method: "lora", rank: 8, targetModules: "all-linear", from });
const schedule = makeSchedule({ name: "constant", lr: 1e-4, steps: 1000 });
const adamW = new AdamW(adapters.trainables(), { weightDecay: 0.01 });

const result = mode === "check" ? check() : time();
process.stdout.write(`${JSON.stringify({ ...result, gemmBackend: chosen })}\n`);

/** One step whose optimiser, instead of moving anything, compares the gradients. */
function check() {
  let worst = { error: 0 };
  const optimizer = {
    step: () => (worst = worstGradient(readAdapterFolder(join(folder, "gradients")).tensors)),
    moments: () => undefined,
  };
  const report = trainStep({ model, adapters, optimizer, schedule, clip: 0 }, [batches[0]], 1);
  return { loss: report.loss, lossError: Math.abs(report.loss - loss) / loss, gradientError: worst };
}

/** The largest ‖ours − theirs‖ / ‖theirs‖ of all adapter gradients. */
function worstGradient(theirs) {
  let worst = { error: 0 };
  for (const path of adapters.adaptedPaths()) {
    const { bank, index } = adapters.find(path);
    const down = torch.transpose(torch.select(bank.gradB, 0, index), 0, 1);
    const up = torch.select(bank.gradA, 0, index);
    for (const [name, ours] of [
      [`${path}.lora_A.weight`, down],
      [`${path}.lora_B.weight`, up],
    ]) {
      const reference = theirs.get(name);
      const norm = (x) => torch.linalgVectorNorm(x).item();
      const error = norm(torch.sub(ours, reference)) / norm(reference);
      if (!(error <= worst.error)) worst = { name, error };
    }
  }
  return worst;
}

/** The first batch once to warm up, then every batch once: as the peer does it. */
function time() {
  const parts = { model, adapters, optimizer: adamW, schedule, clip: 0 };
  trainStep(parts, [batches[0]], 1);
  const losses = [];
  const start = clock();
  for (const [i, batch] of batches.entries()) losses.push(trainStep(parts, [batch], i + 2).loss);
  const seconds = (clock() - start) / batches.length;
  return {
    seconds,
    peakMiB: torch.memory().peak / 2 ** 20,
    losses,
  };
}

/** Seconds: of this process's CPU time with one thread, so that neighbours do not count; of the wall with more. */
function clock() {
  if (threads > 1) return performance.now() / 1e3;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
