// Our side of the comparison, on what export.py wrote: one process, one JSON line.
//   ours.ts check FOLDER   loss and adapter gradients of the first batch against the peer's
//   ours.ts time FOLDER    training steps: CPU seconds with one thread, wall seconds with more; peak memory
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LowRankBank } from "../../src/adapters/core/bank.ts";
import { attach, LayerAdapters } from "../../src/adapters/index.ts";
import { readAdapterFolder } from "../../src/adapters/peft/adapter-folder.ts";
import { collate } from "../../src/data/collate.ts";
import { loadModel } from "../../src/models/index.ts";
import { AdamW, makeSchedule } from "../../src/optim/index.ts";
import * as torch from "../../src/torch/index.ts";
import { trainStep } from "../../src/train/step.ts";
import { elementAt, required } from "../../src/util/elements.ts";
import { sideClock } from "../side-clock.ts";
import { aboutFile } from "./about-file.ts";

const [mode, folder = ""] = process.argv.slice(2);
const threads = Number(process.env["OMP_NUM_THREADS"] ?? 1);
torch.setThreads(threads);
torch.keepFreedMemory();

const about = aboutFile.parse(JSON.parse(readFileSync(join(folder, "about.json"), "utf8")));
const batches = about.batches.map((rows) =>
  collate(
    rows.map(({ ids, isLabel }) => {
      return { ids: Int32Array.from(ids), isLabel: Uint8Array.from(isLabel), source: "peer" };
    }),
  ),
);
const model = await loadModel(join(folder, "model"), { dtype: "float32", device: "cpu" });
const { chosen } = torch.chooseGemmBackend();
const from = join(folder, mode === "check" ? "checked-adapter" : "adapter");
const adapters = attach(model, { method: "lora", rank: 8, targetModules: "all-linear", from });
const parts = {
  model,
  adapters,
  optimizer: new AdamW(adapters.trainables(), { weightDecay: 0.01 }),
  schedule: makeSchedule({ name: "constant", lr: 1e-4, steps: 1000 }),
  clip: 0,
};

const result = await (mode === "check" ? check() : time());
process.stdout.write(`${JSON.stringify({ ...result, gemmBackend: chosen })}\n`);

/** The loss and the gradients of a step. */
async function check() {
  let gradientError = { name: "", error: 0 };
  const observer = {
    beforeForward: () => {},
    afterBackward: () => {
      gradientError = worstGradient(readAdapterFolder(join(folder, "gradients")).tensors);
    },
    afterStep: () => undefined,
  };
  const { loss } = await trainStep({ ...parts, observer }, [elementAt(batches, 0)], 1);
  return { loss, lossError: Math.abs(loss - about.loss) / about.loss, gradientError };
}

/** The largest ‖ours − theirs‖ / ‖theirs‖ of all adapter gradients. */
function worstGradient(theirs: ReadonlyMap<string, torch.Tensor>) {
  const norm = (x: torch.Tensor) => torch.linalgVectorNorm(x).item();
  let worst = { name: "", error: 0 };
  for (const path of adapters.adaptedPaths()) {
    const { gradA, gradB } = factorGradients(path);
    const ours = { lora_A: torch.transpose(gradB, 0, 1), lora_B: gradA };
    for (const [factor, gradient] of Object.entries(ours)) {
      const name = `${path}.${factor}.weight`;
      const reference = required(theirs.get(name), name);
      const error = norm(torch.sub(gradient, reference)) / norm(reference);
      if (!(error <= worst.error)) worst = { name, error };
    }
  }
  return worst;
}

/** The gradients of a layer's A `[out, rank]` and B `[in, rank]`. */
function factorGradients(path: string) {
  if (!(adapters instanceof LayerAdapters)) throw new Error("LoRA has adapters on layers");
  const { bank, index } = adapters.find(path);
  if (!(bank instanceof LowRankBank)) throw new Error("LoRA has two factors");
  return { gradA: torch.select(bank.gradA, 0, index), gradB: torch.select(bank.gradB, 0, index) };
}

/** The first batch once to warm up, then every batch once: as the peer does it. */
async function time() {
  await trainStep(parts, [elementAt(batches, 0)], 1);
  const start = sideClock(threads);
  const losses: number[] = [];
  for (const [i, batch] of batches.entries()) losses.push((await trainStep(parts, [batch], i + 2)).loss);
  const seconds = (sideClock(threads) - start) / batches.length;
  return { seconds, peakMiB: torch.memory().peak / 2 ** 20, losses };
}
