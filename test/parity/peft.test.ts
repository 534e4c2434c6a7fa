import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { attach } from "../../src/adapters/index.ts";
import { readAdapterFolder } from "../../src/adapters/peft/adapter-folder.ts";
import { requireLowRank } from "../../src/adapters/testing/low-rank.ts";
import { collate } from "../../src/data/index.ts";
import { loadModel } from "../../src/models/index.ts";
import { tokenStream } from "../../src/nn/index.ts";
import { AdamW, makeSchedule } from "../../src/optim/index.ts";
import { SafetensorsFile } from "../../src/safetensors/index.ts";
import "../../src/testing/close-to.ts";
import { copyGoldenLlama } from "../../src/testing/golden-llama.ts";
import { temporaryFolder } from "../../src/testing/tiny-run.ts";
import { tolerances } from "../../src/testing/tolerances.ts";
import { noGrad, scope, transpose } from "../../src/torch/index.ts";
import { type StepReport, trainStep } from "../../src/train/step.ts";
import { elementAt } from "../../src/util/elements.ts";

const golden = fileURLToPath(new URL("../golden/peft", import.meta.url));
const scratch = temporaryFolder();
afterAll(scratch.remove);

/** LoRA from a PEFT folder, whose layers, ranks and scales are taken. */
const lora = (from: string) => ({ method: "lora", rank: 1, targetModules: "all-linear", from }) as const;

test.each(["plain", "patterns", "rslora"])(
  "PEFT's %s adapter: the logits are PEFT's, and the base model's again without it",
  async (name) => {
    using file = SafetensorsFile.open(join(golden, name, "expected.safetensors"));
    using tokens = file.tensor("tokens");
    using expected = file.tensor("logits");
    using model = await loadModel(copyGoldenLlama(scratch.path, file.header.metadata.get("model") ?? ""));
    const logits = () =>
      noGrad(() =>
        scope(() =>
          model.lm_head
            .forward(model.hiddenStates(tokenStream(tokens.toFloats(), undefined, { device: "cpu" })))
            .toFloats(),
        ),
      );
    const base = logits();
    const adapters = attach(model, lora(join(golden, name)));
    expect(logits()).toBeCloseToAll(expected.toFloats(), tolerances.adaptedLogits);
    expect(base).not.toBeCloseToAll(expected.toFloats(), { ...tolerances.adaptedLogits, limit: 0.1 });
    adapters.dispose();
    expect(logits()).toEqual(base);
  },
);

interface Run {
  steps: number;
  lr: number;
  warmup: number;
  clip: number;
  weightDecay: number;
  losses: number[];
  gradNorms: number[];
  batches: { ids: number[]; masked: number }[][];
}

/** The run of PEFT, or the same with weight decay in the parameter groups of transformers' Trainer. */
function readRun(end: string): Run {
  const read = (...path: string[]) =>
    JSON.parse(readFileSync(join(golden, "run", ...path, "run.json"), "utf8"));
  return { weightDecay: 0, ...read(), ...(end === "decayed" && read("decayed")) };
}

test.each([
  ["", "end"],
  [" with weight decay", "decayed"],
])(
  "30 steps of LoRA%s: every loss is that of PEFT with torch's AdamW, and so are the factors at the end",
  async (_, end) => {
    const folder = join(golden, "run");
    const run = readRun(end);
    using model = await loadModel(copyGoldenLlama(scratch.path, "untied"));
    const adapters = attach(model, lora(folder));
    const optimizer = new AdamW(adapters.trainables(), { weightDecay: run.weightDecay });
    const schedule = makeSchedule({ name: "linear", lr: run.lr, steps: run.steps, warmup: run.warmup });
    const reports: StepReport[] = [];
    for (const [index, rows] of run.batches.entries()) {
      const examples = rows.map(({ ids, masked }) => ({
        ids: Int32Array.from(ids),
        isLabel: Uint8Array.from(ids, (_, i) => (i < masked ? 0 : 1)),
        source: `step ${index + 1}`,
      }));
      const parts = { model, adapters, optimizer, schedule, clip: run.clip };
      reports.push(await trainStep(parts, [collate(examples)], index + 1));
    }
    for (const [index, { loss, gradNorm }] of reports.entries()) {
      expect([loss], `loss of step ${index + 1}`).toBeCloseToAll(
        [elementAt(run.losses, index)],
        tolerances.loss,
      );
      expect([gradNorm], `norm of step ${index + 1}`).toBeCloseToAll(
        [elementAt(run.gradNorms, index)],
        tolerances.trained,
      );
    }
    const { tensors } = readAdapterFolder(join(folder, end));
    for (const [name, tensor] of tensors) {
      const path = name.replace(/\.lora_[AB]\.weight$/, "");
      expect(factor(adapters, path, name.endsWith("lora_A.weight")), name).toBeCloseToAll(
        tensor.toFloats(),
        tolerances.trained,
      );
      tensor.dispose();
    }
    optimizer.dispose();
    adapters.dispose();
  },
);

/** A layer's factor in PEFT's layout: its `lora_A` is our Bᵀ, its `lora_B` our A. */
function factor(adapters: object, path: string, isDown: boolean): Float64Array {
  const { bank, index } = requireLowRank(adapters).find(path);
  const { A, B } = elementAt(bank.leaves, index);
  return noGrad(() => scope(() => (isDown ? transpose(B, 0, 1) : A).toFloats()));
}
