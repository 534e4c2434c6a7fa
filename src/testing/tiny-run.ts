import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AdapterOptions, attach } from "../adapters/index.js";
import { AdamW, makeSchedule } from "../optim/index.js";
import { Generator, setThreads } from "../torch/index.js";
import { hashModel } from "../train/model-hash.js";
import type { TrainOptions, TrainSettings } from "../train/options.js";
import { RunFolder } from "../train/run-files.js";
import { countingBatches, heldOut } from "./tiny-data.js";
import { TinyLM, type TinyOptions } from "./tiny-lm.js";

export interface TinyRun {
  readonly options: TrainOptions;
  dispose(): void;
}

/** A temporary folder, and what removes it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "scalora-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Everything a run of the tiny model needs; `folder` makes or opens a run folder. */
export function tinyRun(
  settings: TrainSettings,
  {
    folder,
    resume,
    adapter = { method: "full" },
    ...model
  }: TinyOptions & { folder?: string; resume?: boolean; adapter?: AdapterOptions } = {},
): TinyRun {
  // One thread: two spin against each other on such small tensors when the cores are busy.
  setThreads(1);
  const lm = new TinyLM(model);
  const base = hashModel(lm);
  const adapters = attach(lm, adapter, 5);
  const optimizer = new AdamW(adapters.trainables(), { weightDecay: adapter.method === "full" ? 0.01 : 0 });
  const generator = new Generator(11);
  const run =
    folder === undefined
      ? undefined
      : {
          folder: resume
            ? RunFolder.open(folder)
            : RunFolder.create(folder, `adapter: {method: ${adapter.method}}\n`),
          identity: { base, adapter: { method: adapter.method } },
        };
  const options: TrainOptions = {
    model: lm,
    adapters,
    optimizer,
    batches: countingBatches(),
    evalBatches: heldOut(),
    schedule: makeSchedule({
      name: "cosine",
      lr: 0.01,
      steps: settings.steps,
      warmup: Math.min(3, settings.steps - 1),
    }),
    settings,
    generators: new Map([["sampling", generator]]),
    ...(run ? { run } : {}),
    ...(resume ? { resume } : {}),
  };
  const dispose = () => {
    run?.folder.close();
    generator.dispose();
    optimizer.dispose();
    adapters.dispose();
    lm.dispose();
  };
  return { options, dispose };
}
