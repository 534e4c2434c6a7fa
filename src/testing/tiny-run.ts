import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AdapterOptions, attach } from "../adapters/index.ts";
import type { CausalLM } from "../nn/index.ts";
import { AdamW, makeSchedule, SGD } from "../optim/index.ts";
import { RunFolder } from "../run/run-folder.ts";
import { Generator, setThreads } from "../torch/index.ts";
import { hashModel } from "../train/model-hash.ts";
import type { TrainOptions, TrainSettings } from "../train/train-options.ts";
import { countingBatches, heldOutBatches } from "./tiny-data.ts";
import { TinyLM, type TinyLMOptions } from "./tiny-lm.ts";

export interface TinyRun {
  readonly options: TrainOptions;
  dispose(): void;
}

interface TemporaryFolder {
  readonly path: string;
  /** A path in the folder, which is another one each time: the second try of a test finds nothing that the first has left. */
  readonly fresh: (...parts: string[]) => string;
  readonly remove: () => void;
}

/** A temporary folder, and the function that removes it. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), "scalora-test-"));
  const given = new Map<string, number>();
  const fresh = (...parts: string[]) => {
    const wanted = join(path, ...parts);
    const count = (given.get(wanted) ?? 0) + 1;
    given.set(wanted, count);
    return count === 1 ? wanted : `${wanted}-${count}`;
  };
  return { path, fresh, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface TinyRunOptions extends TinyLMOptions {
  readonly folder?: string;
  readonly resume?: boolean;
  /** A method of this package, or that of `examples/input-gain`. */
  readonly adapter?: AdapterOptions | { readonly method: "input-gain" };
  readonly optimizer?: "adamw" | "sgd";
  /** Replaces the tiny model; disposed with the run. */
  readonly lm?: CausalLM;
}

/** The options of a run of the tiny model. `folder`: creates a run folder, or opens it with `resume`. */
export function tinyRun(
  settings: TrainSettings,
  {
    folder,
    resume,
    adapter = { method: "full" },
    optimizer: optimizerName = "adamw",
    lm: customModel,
    ...model
  }: TinyRunOptions = {},
): TinyRun {
  // One thread: two spin against each other on such small tensors when the cores are busy.
  setThreads(1);
  const lm = customModel ?? new TinyLM(model);
  const base = hashModel(lm);
  const adapters = attach(lm, adapter, 5);
  const weightDecay = adapter.method === "full" ? 0.01 : 0;
  const optimizer =
    optimizerName === "sgd"
      ? new SGD(adapters.trainables(), { momentum: 0.9, weightDecay })
      : new AdamW(adapters.trainables(), { weightDecay });
  const generator = new Generator(11, "cpu");
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
    evalBatches: heldOutBatches(),
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
