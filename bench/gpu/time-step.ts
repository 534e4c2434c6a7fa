// A training step of ours on one device: `time-step.ts METHOD --device cuda:0 [--small] [--graphs] [--tiny]` prints a line of JSON.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { type AdapterOptions, attach } from "../../src/adapters/index.ts";
import { collate } from "../../src/data/collate.ts";
import { createModel } from "../../src/models/index.ts";
import { AdamW, makeSchedule } from "../../src/optim/index.ts";
import { quantiseLinearLayers } from "../../src/testing/quantise-model.ts";
import * as torch from "../../src/torch/index.ts";
import { useSecondDevice } from "../../src/torch/second-device.ts";
import { StepGraphs } from "../../src/train/graphs/step-graphs.ts";
import { trainStep } from "../../src/train/step.ts";
import { shapeOf, targetModules } from "./shapes.ts";

const { values, positionals } = parseArgs({
  options: {
    device: { type: "string", default: "cuda:0" },
    tiny: { type: "boolean", default: false },
    /** SmolLM2's shape in the place of LLaMA-3-8B's. */
    small: { type: "boolean", default: false },
    /** With recorded passes; on the CPU those of the second device. */
    graphs: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const { config, tokens, warmUp, steps } = shapeOf(values.tiny, values.small);
const device = values.graphs && values.device === "cpu" ? useSecondDevice() : values.device;
const adapterOf: Readonly<Record<string, AdapterOptions>> = {
  lora: { method: "lora", rank: 16, targetModules },
  qlora: { method: "qlora", rank: 16, targetModules },
  "scalora-i": { method: "scalora-i", rank: 16, targetModules },
};
const [method = ""] = positionals;
const adapter = adapterOf[method];
if (adapter === undefined) throw new Error(`one of ${Object.keys(adapterOf).join(", ")} is needed`);

using generator = new torch.Generator(0, device);
const dense = createModel(config, generator, "bfloat16");
using model = method === "qlora" ? quantiseLinearLayers(dense) : dense;
using adapters = attach(model, adapter, 1);
using optimizer = new AdamW(adapters.trainables());
const schedule = makeSchedule({ name: "constant", lr: 1e-4, steps: warmUp + steps });
const failed = (message: string) => {
  throw new Error(message);
};
using graphs = values.graphs ? new StepGraphs(model, failed) : undefined;
const parts = { model, adapters, optimizer, schedule, clip: 1, graphs };
const row = {
  ids: Int32Array.from({ length: tokens }, (_, i) => (i * 7919) % config.vocab_size),
  isLabel: new Uint8Array(tokens).fill(1).fill(0, 0, 1),
  source: "random",
};

const seconds: number[] = [];
let loss = Number.NaN;
let event = 0;
for (let step = 1; step <= warmUp + steps; step++) {
  const began = performance.now();
  const report = await trainStep(parts, [collate([row])], step);
  waitForDevice();
  if (step > warmUp) seconds.push((performance.now() - began) / 1000);
  if (step > warmUp && report.event !== undefined) event++;
  loss = report.loss;
}
const total = seconds.reduce((sum, each) => sum + each, 0);
const result = {
  tokensPerSecond: (tokens * steps) / total,
  seconds,
  events: event,
  loss,
  ...(graphs && { graphs: graphs.counts }),
  memory: memoryUsed(),
};
console.log(JSON.stringify(result));

/** Reading a number waits for all that comes before it on the GPU. */
function waitForDevice(): void {
  torch.scope(() => torch.zeros([], { device }).item());
}

/** MiB that the GPU has in use, freed memory that the process keeps included. */
function memoryUsed(): string | undefined {
  const query = ["--query-gpu=memory.used", "--format=csv,noheader"];
  return values.device === "cpu"
    ? undefined
    : spawnSync("nvidia-smi", query, { encoding: "utf8" }).stdout?.trim();
}
