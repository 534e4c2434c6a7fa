// Our side of the comparison: a LoRA step, `trainStep` with AdamW, as `scalora train` runs it. Reads lines from stdin and
// answers each with a line of JSON:
//   check FOLDER   the loss of the first batch; its gradients are written as an adapter's folder
//   warm, time     a step on the first batch; a step on every batch
//   ours.ts JOB
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { attachFolder } from "../../src/adapters/index.ts";
import { collate } from "../../src/data/collate.ts";
import { loadClassifier, loadModel } from "../../src/models/index.ts";
import { AdamW, makeSchedule } from "../../src/optim/index.ts";
import * as torch from "../../src/torch/index.ts";
import { objectiveOf } from "../../src/train/objective.ts";
import { trainStep } from "../../src/train/step.ts";
import { elementAt } from "../../src/util/elements.ts";
import { batchesFile } from "./batches.ts";
import { jobFile, type SideAnswer } from "./side-files.ts";

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const job = jobFile.parse(readJson(elementAt(process.argv, 2)));
torch.keepFreedMemory();
const { chosen: gemm } = torch.chooseGemmBackend();
const options = { dtype: job.dtype, device: "cpu" };
const model = await (job.task === "chat"
  ? loadModel(job.model, options)
  : loadClassifier(job.model, options));
const adapters = attachFolder(model, job.adapter);
const parts = {
  model,
  adapters,
  optimizer: new AdamW(adapters.trainables(), { weightDecay: 0.01 }),
  schedule: makeSchedule({ name: "constant", lr: 1e-4, steps: 1e6 }),
  clip: 1,
  dropout: new torch.Generator(0, "cpu"),
};
const batches = batchesFile.parse(readJson(job.batches)).map((rows) =>
  collate(
    rows.map(({ ids, prompt = ids.length, label }) => ({
      ids: Int32Array.from(ids),
      isLabel: Uint8Array.from(ids, (_, i) => Number(i >= prompt)),
      source: "bench",
      ...(label !== undefined && { label }),
    })),
  ),
);
let steps = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const [, command = "", folder = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
  const answer = await (command === "check" ? check(folder) : train(command === "warm" ? 1 : batches.length));
  process.stdout.write(`${JSON.stringify(answer satisfies SideAnswer)}\n`);
}

/** Without the model's dropout. */
async function check(folder: string) {
  const batch = elementAt(batches, 0);
  const objective = objectiveOf(model);
  return measured(async () => {
    const loss = torch.scope(() => {
      const mean = torch.divScalar(objective.lossSum(batch), objective.labelCount(batch));
      mean.backward();
      return mean.item();
    });
    saveGradients(folder);
    adapters.zeroGrad();
    return [loss];
  });
}

/** The adapter's folder with the gradients in the place of the values. */
function saveGradients(folder: string) {
  const swap = () =>
    torch.noGrad(() =>
      torch.scope(() => {
        for (const { value, grad } of adapters.trainables()) {
          const held = torch.clone(value);
          torch.copy_(value, grad);
          torch.copy_(grad, held);
        }
      }),
    );
  swap();
  adapters.saveAdapter(folder, job.model);
  swap();
}

/** A step on each of the first batches. */
function train(count: number) {
  return measured(async () => {
    const losses: number[] = [];
    for (const batch of batches.slice(0, count)) losses.push((await trainStep(parts, [batch], ++steps)).loss);
    return losses;
  });
}

async function measured(run: () => Promise<number[]>): Promise<SideAnswer> {
  const [wall, before] = [performance.now(), process.resourceUsage()];
  const losses = await run();
  const after = process.resourceUsage();
  const spent = (of: "userCPUTime" | "systemCPUTime" | "minorPageFault") => after[of] - before[of];
  return {
    cpu: (spent("userCPUTime") + spent("systemCPUTime")) / 1e6,
    wall: (performance.now() - wall) / 1e3,
    minorFaults: spent("minorPageFault"),
    peakMiB: torch.memory().peak / 2 ** 20,
    losses,
    note: `GEMM by ${gemm}`,
  };
}
